/** Where time comes from. Tests drive their own. */
export interface Clock {
  /** Wall time, milliseconds since the Unix epoch. It may jump. */
  wallMs(): number;
  /** Milliseconds since some fixed moment. It never goes back. */
  monotonicMs(): number;
  /** Calls back once after a delay in milliseconds; gives what cancels it. The delay alone does not keep the process alive. */
  after(delayMs: number, call: () => void): () => void;
}

/** The machine's clock. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, call) {
    const timer = setTimeout(call, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/**
 * Milliseconds since the Unix epoch that never go back and never stand still: wall time that jumps ahead is followed, wall time that jumps
 * back is ignored and elapsed time counted instead. Setting the machine's clock back can therefore neither revive what has expired nor
 * stretch what is about to.
 */
export function steadyTime(clock: Clock): () => number {
  let time = clock.wallMs();
  let read = clock.monotonicMs();
  return () => {
    const monotonic = clock.monotonicMs();
    time = Math.max(clock.wallMs(), time + Math.max(0, monotonic - read));
    read = monotonic;
    return Math.floor(time);
  };
}
