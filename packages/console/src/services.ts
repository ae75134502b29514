import { createContext, use, useSyncExternalStore } from "react";
import type { Announcer } from "./announcer.ts";
import type { ApproverApi } from "./api/client.ts";
import type { FeedSnapshot, InboxFeed } from "./api/inbox-feed.ts";
import type { Clock } from "./clock.ts";
import type { Navigation } from "./navigation.ts";
import type { SessionState, SessionStore } from "./session.ts";

/** What the pages are built on; made once in main.tsx. */
export interface Services {
  readonly api: ApproverApi;
  readonly session: SessionStore;
  readonly feed: InboxFeed;
  readonly clock: Clock;
  readonly navigation: Navigation;
  readonly announcer: Announcer;
}

/** Gives the services to the pages. */
export const ServicesContext = createContext<Services | undefined>(undefined);

/** The services. @throws when used outside of the app. */
export function useServices(): Services {
  const services = use(ServicesContext);
  if (services === undefined) throw new Error("No services: render inside ServicesContext");
  return services;
}

/** The live inbox; renders at each change. */
export function useFeed(): FeedSnapshot {
  const { feed } = useServices();
  return useSyncExternalStore(feed.subscribe, feed.snapshot);
}

/** How many requests wait for this person. */
export function useWaiting(): number {
  const { requests } = useFeed();
  return [...requests.values()].filter((one) => one.state === "pending" && one.canVote).length;
}

/** Who is signed in; renders at each change. */
export function useSession(): SessionState {
  const { session } = useServices();
  return useSyncExternalStore(session.subscribe, session.snapshot);
}

/** The name of who is signed in; empty when nobody is. */
export function useMe(): string {
  const who = useSession();
  return who.state === "signed-in" ? who.session.approver.subject : "";
}

/** The page's path; renders at each navigation. */
export function usePath(): string {
  const { navigation } = useServices();
  return useSyncExternalStore(navigation.subscribe, navigation.path);
}

/** A text that depends on the time. Looked at every second; renders only when the text changes. */
export function useTimedText(text: (nowMs: number) => string): string {
  const { clock } = useServices();
  return useSyncExternalStore(clock.subscribe, () => text(clock.now()));
}
