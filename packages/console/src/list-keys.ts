import { useHotkeys } from "./hotkeys.ts";

/** The links of all requests on the page and the buttons of groups of them, in the order in which they are shown. */
export function requestLinks(): readonly HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("#content [data-request]")];
}

function move(by: 1 | -1): void {
  const all = requestLinks();
  const at = all.indexOf(document.activeElement instanceof HTMLElement ? document.activeElement : document.body);
  const next = all[at === -1 ? (by === 1 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + by))];
  next?.focus();
}

/** Moving through a list of requests by keyboard, and to its search field. */
export function useListKeys(): void {
  useHotkeys({
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    "/": () => document.querySelector<HTMLElement>("#content input[type=search]")?.focus(),
  });
}

/** Puts the focus on a request's link, or on the group that it is in. Gives whether it is on the page. */
export function focusRequest(id: string): boolean {
  const links = requestLinks();
  const isGroup = (one: HTMLElement) => one.dataset.requests?.split(" ").includes(id) === true;
  const link = links.find((one) => one.dataset.request === id) ?? links.find(isGroup);
  link?.focus();
  return link !== undefined;
}
