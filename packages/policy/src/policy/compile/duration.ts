/** A CEL duration. */
export class Duration {
  readonly nanoseconds: bigint;

  constructor(nanoseconds: bigint) {
    this.nanoseconds = nanoseconds;
  }

  /** A time that is so much later (or, of a negative duration, earlier); whole milliseconds. */
  after(time: Date): Date {
    return new Date(time.getTime() + Number(this.nanoseconds / 1_000_000n));
  }

  negated(): Duration {
    return new Duration(-this.nanoseconds);
  }

  static ofMilliseconds(value: number): Duration {
    return new Duration(BigInt(value) * 1_000_000n);
  }
}
