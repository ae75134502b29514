import type { Field } from "./fields.ts";

/** Shorter ones are common words: hiding them would spoil what they happen to stand in, and they are no secrets. */
const shortest = 6;

/**
 * Hides a credential wherever a target gives it back: as it is, and as JSON, URLs and base64 write it. Each byte of it becomes `*`, so that
 * lengths stay true.
 */
export class Scrubber {
  readonly #needles: readonly Buffer[];
  readonly #longest: number;
  #kept: Buffer = Buffer.alloc(0);

  constructor(secrets: readonly string[]) {
    const forms = new Set(secrets.filter((one) => one.length >= shortest).flatMap(formsOf));
    // The longest first: one may stand in another.
    this.#needles = [...forms].sort((a, b) => b.length - a.length).map((one) => Buffer.from(one));
    this.#longest = this.#needles[0]?.length ?? 0;
  }

  /** A field of a response without the credential. */
  field([name, value]: Field): Field {
    const [cleanName, cleanValue] = [name, value].map((text) => this.#hide(Buffer.from(text, "latin1")).toString("latin1"));
    return [cleanName ?? "", cleanValue ?? ""];
  }

  /** A part of a body without it; what may be its beginning is kept until more is known. The bytes may be changed in place. */
  body(part: Buffer): Buffer {
    if (this.#longest === 0) return part;
    const whole = this.#kept.length === 0 ? part : Buffer.concat([this.#kept, part]);
    this.#hide(whole);
    const end = whole.length - this.#openEnd(whole);
    this.#kept = Buffer.from(whole.subarray(end));
    return whole.subarray(0, end);
  }

  /** What was kept, at the end of the body. */
  rest(): Buffer {
    const rest = this.#kept;
    this.#kept = Buffer.alloc(0);
    return rest;
  }

  #hide(bytes: Buffer): Buffer {
    for (const needle of this.#needles) {
      for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + needle.length))
        bytes.fill(0x2a, at, at + needle.length);
    }
    return bytes;
  }

  /** How many bytes at the end may be the beginning of a needle. */
  #openEnd(bytes: Buffer): number {
    for (let size = Math.min(this.#longest - 1, bytes.length); size > 0; size--) {
      const tail = bytes.subarray(bytes.length - size);
      if (this.#needles.some((needle) => needle.length > size && needle[0] === tail[0] && needle.subarray(0, size).equals(tail)))
        return size;
    }
    return 0;
  }
}

/** How texts carry it. */
function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const json = JSON.stringify(secret).slice(1, -1);
  return [
    ...[secret, json, json.replaceAll("/", "\\/"), encodeURIComponent(secret.toWellFormed())],
    ...[bytes.toString("base64").replace(/=+$/, ""), bytes.toString("base64url"), bytes.toString("hex")],
  ];
}
