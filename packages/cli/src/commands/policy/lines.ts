/** One line without its line break; `undefined` in place of one that is longer than the cap. */
export type Line = Uint8Array | undefined;

/**
 * Takes a stream apart into lines as they arrive. The last one need not end in a line break; nothing after the last line break is no line.
 *
 * @param cap most bytes of a line; of a longer one nothing is kept.
 */
export async function* linesOf(stream: AsyncIterable<Uint8Array | string>, cap: number): AsyncGenerator<Line> {
  let held: Uint8Array[] = [];
  let length = 0;
  for await (const read of stream) {
    let rest = typeof read === "string" ? Buffer.from(read) : read;
    for (let end = rest.indexOf(newline); end !== -1; end = rest.indexOf(newline)) {
      yield take(rest.subarray(0, end));
      rest = rest.subarray(end + 1);
    }
    if (rest.length > 0) hold(rest);
  }
  if (length > 0) yield take(new Uint8Array());

  function hold(bytes: Uint8Array): void {
    length += bytes.length;
    // What is too long is counted on, but let go.
    held = length > cap ? [] : [...held, bytes];
  }

  function take(bytes: Uint8Array): Line {
    hold(bytes);
    const line = length > cap ? undefined : held.length === 1 ? held[0] : Buffer.concat(held);
    held = [];
    length = 0;
    return line;
  }
}

const newline = 0x0a;
