/**
 * The last few of something, each in the place of the oldest. It is an array that never grows: a Map or Set to which as much is added as taken
 * away makes itself anew all the time, and in V8 each old one keeps the next one and what was in it from the small collections of garbage, once
 * one of them has grown old. What should have died young then waits for a large collection, which holds everybody up.
 */
export class Ring<Item> {
  readonly #items: (Item | undefined)[];
  #next = 0;

  /** @param size how many are kept, at least 1. */
  constructor(size: number) {
    this.#items = Array.from({ length: size }, () => undefined);
  }

  find(is: (item: Item) => boolean): Item | undefined {
    return this.#items.find((item) => item !== undefined && is(item));
  }

  add(item: Item): void {
    this.#items[this.#next] = item;
    this.#next = (this.#next + 1) % this.#items.length;
  }

  /** Forgets one before its time. */
  forget(item: Item): void {
    const at = this.#items.indexOf(item);
    if (at !== -1) this.#items[at] = undefined;
  }
}
