import type { Field } from "../fields.ts";
import { maskedJson, Unmaskable } from "./masked-json.ts";

/** An answer of which something is masked is held whole until it is known what it says. */
const mostBytes = 4 * 1024 * 1024;

/** What speaks of the body as it was: its length, or a word by which one could be told from another and a masked value be guessed. */
const ofTheBody = /^(?:content-length|content-md5|etag|accept-ranges|signature(?:-input)?|.*(?:digest|checksum|hash|md5).*)$/i;

/** An answer as it came. */
interface Told {
  readonly status: number;
  readonly fields: readonly Field[];
  /** Undefined where it has none, whatever its fields say. */
  readonly body: AsyncIterable<Buffer> | undefined;
  /** The encoding of the body, if it is not known. */
  readonly unknown: string;
}

/**
 * An answer without what the masks name; its fields fit.
 *
 * @param masks JSON Pointers with wildcards, see `MaskPath`.
 * @throws {Unmaskable} when it cannot be looked through; whatever reading the body throws.
 */
export async function maskedAnswer(
  { status, fields, body, unknown }: Told,
  masks: readonly string[],
): Promise<{ readonly fields: readonly Field[]; readonly body: readonly Buffer[] }> {
  const plain = fields.filter(([name]) => !ofTheBody.test(name));
  if (body === undefined) return { fields: plain, body: [] };
  if (unknown !== "") throw new Unmaskable("it has an encoding that nobody asked for");
  if (status === 206) throw new Unmaskable("it is a part of an answer");
  const types = fields.filter(([name]) => name.toLowerCase() === "content-type").map(([, value]) => value);
  const bytes = await whole(body, types.length === 1 && isJson(types[0] ?? ""));
  if (bytes.length === 0) return { fields: [...plain, ["content-length", "0"]], body: [] };
  const masked = Buffer.from(await maskedJson(textOf(bytes), masks));
  return { fields: [...plain, ["content-length", String(masked.length)]], body: [masked] };
}

/** Nothing of another type is waited for: it may never end. */
async function whole(body: AsyncIterable<Buffer>, json: boolean): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (!json && size > 0) throw new Unmaskable("its Content-Type is not JSON");
    if (size > mostBytes) throw new Unmaskable(`it is longer than ${mostBytes} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** JSON (RFC 8259) or what is built on it (RFC 6839 §3.1), in UTF-8. */
function isJson(type: string): boolean {
  return /^application\/(?:[a-z0-9.-]+\+)?json\s*(?:;\s*(?:charset="?utf-8"?|(?!charset)[a-z0-9-]+=[^;,]*)\s*)*$/i.test(type);
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Unmaskable("it is not UTF-8");
  }
}
