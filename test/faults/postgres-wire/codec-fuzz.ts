import {
  readBind,
  readExecute,
  readNamed,
  readParse,
  readQuery,
} from "../../../packages/sidecar/src/protocols/postgres/wire/client-message.ts";
import { ClientFrames } from "../../../packages/sidecar/src/protocols/postgres/wire/frontend.ts";
import { WireError } from "../../../packages/sidecar/src/protocols/postgres/wire/wire-error.ts";
import { frame, message } from "../../conformance/postgres-wire/messages.ts";
import type { Random } from "../../harness/random.ts";
import { cutAnywhere, mutated } from "./mutation.ts";

const caps = { statement: 400, bind: 600 };
/** What the codec keeps of anything that is not a statement or a Bind; bytes. */
const smallCap = 64 * 1024;
const types = "QPBDECHSdcfXF";

/** Splits streams of valid, broken and random messages wherever it likes; what the codec makes of them must be what a plain reading makes. */
export function fuzzCodec(random: Random, rounds: number): void {
  for (let round = 0; round < rounds; round++) {
    const stream = Buffer.concat(Array.from({ length: 1 + random.below(8) }, () => piece(random)));
    const wanted = plainly(stream);
    const got = byCodec(cutAnywhere(random, stream));
    if (JSON.stringify(got) !== JSON.stringify(wanted)) {
      throw new Error(`${stream.toString("hex")}\nwanted ${JSON.stringify(wanted)}\ngot    ${JSON.stringify(got)}`);
    }
  }
}

function piece(random: Random): Buffer {
  const text = random.of(["select 1", "", "ä\u{10ffff}", "x".repeat(390), "y".repeat(600), "a\0b"]) ?? "";
  const name = random.of(["", "s", "n".repeat(63), "n".repeat(64), "é"]) ?? "";
  const valid = random.of<() => Buffer>([
    () => message.query(text),
    () => message.parse(text, name, [23, 0].slice(random.below(3))),
    () => message.bind({ portal: name, statement: name, values: [text, null, Buffer.from([0, 255])], formats: [0, 0, 1] }),
    () => message.describe(random.below(2) === 0 ? "S" : "P", name),
    () => message.close(random.below(2) === 0 ? "S" : "P", name),
    () => message.execute(name, random.below(3)),
    () => message.copyData(text.repeat(random.below(5))),
    () => message.copyFail(text),
    () =>
      random.of([message.sync(), message.flush(), message.copyDone(), message.terminate(), message.functionCall(1)]) ??
      message.sync(),
    () => frame(random.of([...types]) ?? "Q", random.bytes(random.below(40))),
    () => random.bytes(random.below(30)),
  ]);
  const bytes = valid?.() ?? message.sync();
  return random.below(3) === 0 ? mutated(random, bytes) : bytes;
}

/** What was found, as texts: messages with what their readers make of them, and how it ended. */
type Found = readonly string[];

function byCodec(chunks: readonly Buffer[]): Found {
  const found: string[] = [];
  let copied: Buffer[] = [];
  const frames = new ClientFrames(caps, {
    frame: (type, whole) => found.push(described(type, whole)),
    copyData(part, left) {
      copied.push(Buffer.from(part));
      if (left > 0) return;
      found.push(`d ${Buffer.concat(copied).toString("hex")}`);
      copied = [];
    },
    oversized: (type, size) => found.push(`${String.fromCharCode(type)} oversized ${size}`),
  });
  try {
    for (const chunk of chunks) frames.push(Buffer.from(chunk));
  } catch (error) {
    if (!(error instanceof WireError) || !error.fatal) throw error;
    // What of a CopyData was passed on before the end is the stream's, not a message.
    return [...found, `fatal ${error.sqlstate}`];
  }
  return found;
}

/** The same by reading the whole stream at once. */
function plainly(stream: Buffer): Found {
  const found: string[] = [];
  let at = 0;
  while (stream.length - at >= 5) {
    const letter = stream.toString("latin1", at, at + 1);
    const length = stream.readUInt32BE(at + 1);
    const isEmpty = "HSXc".includes(letter);
    if (!types.includes(letter) || length < 4 || length > 0x3ffffffe || (isEmpty && length !== 4))
      return [...found, "fatal 08P01"];
    const end = at + 1 + length;
    const cap = "QP".includes(letter) ? caps.statement : "BF".includes(letter) ? caps.bind : smallCap;
    if (letter !== "d" && 1 + length > cap) found.push(`${letter} oversized ${1 + length}`);
    else if (end > stream.length) break;
    else if (letter === "d") found.push(`d ${stream.subarray(at, end).toString("hex")}`);
    else found.push(described(letter.charCodeAt(0), stream.subarray(at, end)));
    at = end;
  }
  return found;
}

/** A message, and what its reader says: what was judged must be what the bytes say, so it is written out again and compared. */
function described(type: number, whole: Buffer): string {
  const letter = String.fromCharCode(type);
  return `${letter} ${whole.toString("hex")} ${read(letter, whole)}`;
}

function read(letter: string, whole: Buffer): string {
  try {
    return readable[letter]?.(whole) ?? "";
  } catch (error) {
    if (error instanceof WireError && !error.fatal) return `refused ${error.sqlstate}`;
    throw error;
  }
}

const readable: Readonly<Record<string, (whole: Buffer) => string>> = {
  Q: (whole) => same(whole, message.query(readQuery(whole))),
  P(whole) {
    const { name, statement, types: oids } = readParse(whole);
    return same(
      whole,
      message.parse(
        statement,
        name,
        oids.map((oid) => oid | 0),
      ),
    );
  },
  E(whole) {
    const { portal, rows } = readExecute(whole);
    // Negative counts mean all rows, as zero does.
    return whole.readInt32BE(whole.length - 4) < 0 ? `${rows}` : same(whole, message.execute(portal, rows));
  },
  D(whole) {
    const { what, name } = readNamed(whole, "DESCRIBE");
    return same(whole, message.describe(what, name));
  },
  C(whole) {
    const { what, name } = readNamed(whole, "CLOSE");
    return same(whole, message.close(what, name));
  },
  B(whole) {
    const { portal, statement, parameters } = readBind(whole);
    const values = parameters.map((one) =>
      one === null ? null : "binary" in one ? Buffer.from(one.binary, "base64url") : one.text,
    );
    // The formats may be written in several ways; names and values only in one.
    const again = message.bind({
      portal,
      statement,
      values,
      formats: parameters.map((one) => (one !== null && "binary" in one ? 1 : 0)),
    });
    const valuesOf = (bytes: Buffer): string => bytes.subarray(5).toString("latin1").split("\0", 2).join("\0");
    return valuesOf(whole) === valuesOf(again) && values.every((one) => one === null || whole.includes(Buffer.from(one)))
      ? "same"
      : "differs";
  },
};

function same(whole: Buffer, again: Buffer): string {
  if (whole.equals(again)) return "same";
  throw new Error(`read differently from what it says: ${whole.toString("hex")} and ${again.toString("hex")}`);
}
