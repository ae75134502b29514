/** The page's place, on the browser's history. */
export class Navigation {
  readonly #listeners = new Set<() => void>();
  /** The request that was opened last: going back to a list puts the focus on it. */
  lastRequest: string | undefined;

  constructor() {
    addEventListener("popstate", () => this.#tell());
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly path = (): string => location.pathname;

  /** Goes to one of this page's own paths. */
  go(path: string, how: "push" | "replace" = "push"): void {
    if (how === "push") history.pushState(null, "", path);
    else history.replaceState(null, "", path);
    scrollTo(0, 0);
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
