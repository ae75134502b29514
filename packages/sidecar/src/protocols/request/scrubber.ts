import { LRUCache } from "lru-cache";
import type { Field } from "./fields.ts";
import { Needles } from "./needles.ts";

/** Shorter ones are common words: hiding them would spoil what they happen to stand in, and they are no secrets. */
const shortest = 6;

const none: Buffer = Buffer.alloc(0);

/** A credential is the same for many requests. */
const known = new LRUCache<string, Needles>({ max: 64 });

/**
 * Hides a credential wherever a target gives it back: as it is, and as JSON, URLs and base64 write it, alone or inside of more. Each byte of it becomes `*`, so that
 * lengths stay true.
 */
export class Scrubber {
  readonly #needles: Needles;
  #kept: Buffer = none;

  constructor(secrets: readonly string[]) {
    this.#needles = needlesOf(secrets);
  }

  /** The fields of a response without the credential. They are looked through as one text first: mostly nothing is in them. */
  fields(fields: readonly Field[]): readonly Field[] {
    let text = "";
    for (const [name, value] of fields) text += `${name}\n${value}\n`;
    // What seems to be there only because they stand side by side is not found again in any one of them.
    return this.#needles.areIn(Buffer.from(text, "latin1")) ? fields.map((field) => this.field(field)) : fields;
  }

  /** A field of a response without the credential. */
  field(field: Field): Field {
    const [name, value] = field;
    if (Math.max(name.length, value.length) < this.#needles.shortest) return field;
    const clean = (text: string) => this.#needles.hide(Buffer.from(text, "latin1")).toString("latin1");
    return [clean(name), clean(value)];
  }

  /** A part of a body without it; what may be its beginning is kept until more is known. The bytes may be changed in place. */
  body(part: Buffer): Buffer {
    if (this.#needles.longest === 0) return part;
    const whole = this.#kept.length === 0 ? part : Buffer.concat([this.#kept, part]);
    this.#needles.hide(whole);
    const open = this.#needles.openEnd(whole);
    this.#kept = open === 0 ? none : Buffer.from(whole.subarray(whole.length - open));
    return open === 0 ? whole : whole.subarray(0, whole.length - open);
  }

  /** What was kept, at the end of the body. */
  rest(): Buffer {
    const rest = this.#kept;
    this.#kept = none;
    return rest;
  }
}

function needlesOf(secrets: readonly string[]): Needles {
  const name = JSON.stringify(secrets);
  let needles = known.get(name);
  if (needles === undefined) {
    const forms = new Set(secrets.filter((one) => one.length >= shortest).flatMap(formsOf));
    needles = new Needles([...forms].map((one) => Buffer.from(one)));
    known.set(name, needles);
  }
  return needles;
}

/** How texts carry it. Go writes three characters of JSON in a way of its own (encoding/json, HTMLEscape). */
function formsOf(secret: string): readonly string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  const go = json.replace(/[<>&]/g, (one) => `\\u00${one.charCodeAt(0).toString(16)}`);
  const encoded = ([0, 1, 2] as const).flatMap((before) =>
    (["base64", "base64url"] as const).map((form) => inside(secret, before, form)),
  );
  return [
    ...[secret, json, go, json.replaceAll("/", "\\/"), encodeURIComponent(secret.toWellFormed())],
    ...[...encoded, Buffer.from(secret).toString("hex")],
  ];
}

/**
 * What is the same of it in the encoding of every longer text in which `before` bytes stand in its first group of three, e.g. in a Secret that
 * holds a whole kubeconfig. Characters that hold bits of its neighbours, too, are left out: at most two bytes of it at each end.
 */
function inside(secret: string, before: 0 | 1 | 2, form: "base64" | "base64url"): string {
  const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(secret)]);
  const text = bytes.toString(form).replace(/=+$/, "");
  const whole = bytes.length % 3 === 0;
  return text.slice([0, 2, 3][before], whole ? undefined : -1);
}
