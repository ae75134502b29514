/** So much data goes by before its spent buffers are collected, bytes. */
const betweenBytes = 4 * 1024 * 1024;

let sinceBytes = 0;

/**
 * Says that so much data goes by, of a result or for a target. Its buffers are outside V8's heap and die young, but V8 looks at the young only when its
 * own small objects have filled their space: until then the buffers count as growth, for which it marks the whole heap, again and again. Collecting
 * the young is a thirtieth of that work, and the memory stays where it was.
 *
 * Does nothing where the program was not started with `--expose-gc`, as `countersign` is.
 */
export function goesBy(bytes: number): void {
  sinceBytes += bytes;
  if (sinceBytes < betweenBytes) return;
  sinceBytes = 0;
  globalThis.gc?.({ type: "minor" });
}
