import { createRoot } from "react-dom/client";
import { Announcer } from "./announcer.ts";
import { ApproverApi } from "./api/client.ts";
import { InboxFeed } from "./api/inbox-feed.ts";
import { App } from "./app.tsx";
import { Clock } from "./clock.ts";
import { Navigation } from "./navigation.ts";
import { type Services, ServicesContext } from "./services.ts";
import { SessionStore } from "./session.ts";
import { rememberWanted, takeToken, takeWanted } from "./sign-in-link.ts";
import "./styles/index.css";

const api = new ApproverApi((...request) => fetch(...request));
const services: Services = {
  api,
  session: new SessionStore(api),
  feed: new InboxFeed(api, { now: () => Date.now(), random: Math.random, sleep }),
  clock: new Clock(() => api.clockOffsetMs),
  navigation: new Navigation(),
  announcer: new Announcer(),
};

/** Signs in by the link when there is one, else finds out who is signed in; then shows the page that was wanted. */
async function enter(): Promise<void> {
  const { session, navigation } = services;
  const token = takeToken(location, history);
  if (token === undefined) await session.check();
  else await session.signIn(token);
  const { state } = session.snapshot();
  if (state === "signed-out") rememberWanted(location.pathname, localStorage, Date.now());
  if (state === "signed-in" && location.pathname === "/sign-in") navigation.go(takeWanted(localStorage, Date.now()), "replace");
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <ServicesContext value={services}>
    <App />
  </ServicesContext>,
);
// A link pasted into a tab that already shows /sign-in only changes the fragment.
addEventListener("hashchange", () => {
  if (location.pathname === "/sign-in" && location.hash.length > 1) void enter();
});
void enter();
