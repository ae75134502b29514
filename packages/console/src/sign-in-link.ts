import { parsePath } from "./route.ts";

const wantedKey = "countersign.wanted";
/** A sign-in link lives ten minutes; a wish older than that is not meant any more. */
const wantedMs = 10 * 60_000;

/**
 * Takes the one-time token out of `/sign-in#TOKEN` and clears it from the address and the history at once, so that it is neither seen,
 * copied nor sent again. Undefined when this is not a sign-in link.
 */
export function takeToken(location: Location, history: History): string | undefined {
  if (parsePath(location.pathname).page !== "sign-in" || location.hash.length < 2) return undefined;
  const token = location.hash.slice(1);
  history.replaceState(null, "", "/sign-in");
  return token;
}

/** Remembers the page that someone wanted before they were signed in. Shared between tabs: the link opens in another one. */
export function rememberWanted(path: string, storage: Storage, nowMs: number): void {
  const { page } = parsePath(path);
  if (page === "request" || page === "history") storage.setItem(wantedKey, JSON.stringify({ path, nowMs }));
}

/** Gives the wanted page once, `/` when there is none. Only this page's own routes: a stored value cannot lead elsewhere. */
export function takeWanted(storage: Storage, nowMs: number): string {
  const stored = storage.getItem(wantedKey);
  storage.removeItem(wantedKey);
  try {
    const wish: unknown = JSON.parse(stored ?? "null");
    if (typeof wish !== "object" || wish === null || !("path" in wish) || !("nowMs" in wish)) return "/";
    if (typeof wish.path !== "string" || typeof wish.nowMs !== "number" || nowMs - wish.nowMs > wantedMs) return "/";
    const { page } = parsePath(wish.path);
    return page === "request" || page === "history" ? wish.path : "/";
  } catch {
    return "/";
  }
}
