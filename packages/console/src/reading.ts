/** How much of an operation has been on the screen. */
export interface Progress {
  readonly seen: number;
  readonly total: number;
  /** Every part was on the screen. False while nothing is laid out yet: what was not shown was not seen. */
  readonly complete: boolean;
}

/**
 * Follows which parts of an operation have really been on the screen (ap-display). Invisible marks stand at most a few lines apart in the
 * text; each counts once it has been inside both its scrolling box and the window. Jumping to the end leaves the marks between unseen.
 */
export class Reading {
  readonly #observer: IntersectionObserver;
  readonly #listeners = new Set<() => void>();
  readonly #marks = new Map<Element, boolean>();
  #progress: Progress = { seen: 0, total: 0, complete: false };

  /** @param covered how much of the window's edges is covered by the page's own bars, CSS pixels. */
  constructor(covered: { readonly top: number; readonly bottom: number }) {
    this.#observer = new IntersectionObserver((entries) => this.#visible(entries), {
      rootMargin: `-${covered.top}px 0px -${covered.bottom}px 0px`,
    });
  }

  /** To be given to a mark as its ref. */
  readonly mark = (element: Element | null): (() => void) | undefined => {
    if (element === null) return undefined;
    this.#marks.set(element, false);
    this.#observer.observe(element);
    this.#update();
    return () => {
      this.#marks.delete(element);
      this.#observer.unobserve(element);
      this.#update();
    };
  };

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Brings the first part that was not seen into view. */
  showUnseen(): void {
    const unseen = [...this.#marks].filter(([, seen]) => !seen).map(([element]) => element);
    const first = unseen.reduce<Element | undefined>(
      (earliest, one) =>
        earliest === undefined || earliest.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_PRECEDING ? one : earliest,
      undefined,
    );
    first?.scrollIntoView({ block: "start" });
  }

  readonly progress = (): Progress => this.#progress;

  #visible(entries: readonly IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting || !this.#marks.has(target)) continue;
      this.#marks.set(target, true);
      this.#observer.unobserve(target);
    }
    this.#update();
  }

  #update(): void {
    queueMicrotask(() => {
      const total = this.#marks.size;
      const seen = [...this.#marks.values()].filter((was) => was).length;
      if (total === this.#progress.total && seen === this.#progress.seen) return;
      this.#progress = { seen, total, complete: total > 0 && seen === total };
      for (const listener of this.#listeners) listener();
    });
  }
}
