import { useEffect, useState, useSyncExternalStore } from "react";
import type { Summary } from "./api/model.ts";
import { PolicyNotice } from "./components/policy-notice.tsx";
import { ShortcutsDialog } from "./components/shortcuts-dialog.tsx";
import { TopBar } from "./components/top-bar.tsx";
import { shownText } from "./display/exact-text.ts";
import { useHotkeys } from "./hotkeys.ts";
import { DelegationsPage } from "./pages/delegations.tsx";
import { GrantsPage } from "./pages/grants.tsx";
import { HistoryPage } from "./pages/history.tsx";
import { InboxPage } from "./pages/inbox.tsx";
import { LocksPage } from "./pages/locks.tsx";
import { RequestPage } from "./pages/request.tsx";
import { ReviewsPage } from "./pages/reviews.tsx";
import { SessionsPage } from "./pages/sessions.tsx";
import { RefusedPage, SignedOutPage, UnreachablePage } from "./pages/signed-out.tsx";
import { parsePath } from "./route.ts";
import { usePath, useServices, useSession } from "./services.ts";
import { Link } from "./ui/link.tsx";
import { Page } from "./ui/page.tsx";

/** The whole page: the bar, one page below it, and the voice for screen readers. */
export function App() {
  const { navigation } = useServices();
  const [shortcuts, setShortcuts] = useState(false);
  useHotkeys({ "?": () => setShortcuts(true), i: () => navigation.go("/"), h: () => navigation.go("/history") });
  useFollowing();
  useArrivalsSpoken();
  return (
    <>
      <TopBar onShortcuts={() => setShortcuts(true)} />
      <PolicyNotice />
      <CurrentPage />
      <Voice />
      {shortcuts && <ShortcutsDialog onClose={() => setShortcuts(false)} />}
    </>
  );
}

function CurrentPage() {
  const session = useSession();
  const route = parsePath(usePath());
  if (session.state === "checking") return <main id="content" className="page door" aria-busy="true" />;
  if (session.state === "refused") return <RefusedPage error={session.error} />;
  if (session.state === "unreachable") return <UnreachablePage error={session.error} />;
  if (session.state === "signed-out") return <SignedOutPage why={session.why} />;
  switch (route.page) {
    case "inbox":
    case "sign-in":
      return <InboxPage />;
    case "history":
      return <HistoryPage />;
    case "grants":
      return <GrantsPage />;
    case "locks":
      return <LocksPage />;
    case "delegations":
      return <DelegationsPage />;
    case "reviews":
      return <ReviewsPage />;
    case "sessions":
      return <SessionsPage />;
    case "request":
      return <RequestPage key={route.id} id={route.id} />;
    case "not-found":
      return (
        <Page title="No such page" heading="No such page" className="door">
          <p>
            <Link href="/">Go to the inbox</Link>
          </p>
        </Page>
      );
  }
}

/** Follows the inbox while someone is signed in. */
function useFollowing(): void {
  const { feed, session } = useServices();
  const signedIn = useSession().state === "signed-in";
  useEffect(() => {
    if (!signedIn) return undefined;
    const stop = new AbortController();
    const retry = () => feed.retryNow();
    addEventListener("online", retry, { signal: stop.signal });
    document.addEventListener("visibilitychange", retry, { signal: stop.signal });
    feed.run(stop.signal).catch((error) => session.noticed(error));
    return () => stop.abort();
  }, [feed, session, signedIn]);
}

/** Tells screen readers of new requests; many at once in one sentence. */
function useArrivalsSpoken(): void {
  const { feed, announcer } = useServices();
  useEffect(() => {
    let waiting: Summary[] = [];
    return feed.onArrival((request) => {
      waiting.push(request);
      if (waiting.length > 1) return;
      setTimeout(() => {
        const [first] = waiting;
        if (first === undefined) return;
        const one = `A new request on ${first.resource} from ${first.principal.subject} waits for you`;
        announcer.say(shownText(waiting.length === 1 ? one : `${waiting.length} new requests wait for you`));
        waiting = [];
      }, 500);
    });
  }, [feed, announcer]);
}

function Voice() {
  const { announcer } = useServices();
  const text = useSyncExternalStore(announcer.subscribe, announcer.text);
  return (
    <div className="visually-hidden" role="status" aria-live="polite" aria-label="News">
      {text}
    </div>
  );
}
