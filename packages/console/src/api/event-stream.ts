/** What arrived: an event's data, or a sign of life (a comment line). */
export type StreamItem = { readonly type: "data"; readonly data: string } | { readonly type: "comment" };

/** A stream that never ends a line must not fill the memory of the page. */
const longestEvent = 4 * 1024 * 1024;

/**
 * Decoder of `text/event-stream` (WHATWG HTML §9.2.6), for the fields that the inbox uses: `data` and comments. Push text in pieces cut
 * anywhere; each call gives what became complete.
 */
export class EventStreamDecoder {
  #rest = "";
  #data: string[] = [];
  #size = 0;

  /** @throws {RangeError} when one event is larger than 4 Mi characters. */
  push(text: string): StreamItem[] {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    const items: StreamItem[] = [];
    for (const line of lines) this.#line(line, items);
    if (this.#size + this.#rest.length > longestEvent) throw new RangeError("An event of the inbox stream is too large");
    return items;
  }

  #line(line: string, items: StreamItem[]): void {
    if (line === "") {
      if (this.#data.length > 0) items.push({ type: "data", data: this.#data.join("\n") });
      this.#data = [];
      this.#size = 0;
    } else if (line.startsWith(":")) {
      items.push({ type: "comment" });
    } else if (line.startsWith("data:")) {
      const value = line.slice(5);
      this.#data.push(value.startsWith(" ") ? value.slice(1) : value);
      this.#size += value.length;
    }
  }
}
