import { randomFillSync } from "node:crypto";

const poolBytes = 8 * 1024;

/** A source of random bytes that asks the system for many at a time; no byte is given out twice. */
export function randomPool(): (size: number) => Buffer {
  let pool = Buffer.alloc(0);
  let used = 0;
  return (size) => {
    if (used + size > pool.length) {
      // A new one each time: what was given out is still in use.
      pool = randomFillSync(Buffer.allocUnsafeSlow(Math.max(poolBytes, size)));
      used = 0;
    }
    used += size;
    return pool.subarray(used - size, used);
  };
}
