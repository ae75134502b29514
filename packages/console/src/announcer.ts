/** Says things to screen readers through one polite live region. */
export class Announcer {
  readonly #listeners = new Set<() => void>();
  #text = "";

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly text = (): string => this.#text;

  /** Says one sentence. Said twice in a row it must still be a change: a region that does not change is not read. */
  say(text: string): void {
    this.#text = this.#text === text ? `${text}\u00a0` : text;
    for (const listener of this.#listeners) listener();
  }
}
