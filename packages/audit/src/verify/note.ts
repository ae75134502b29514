import { createPublicKey, type KeyObject, verify } from "node:crypto";
import { AuditError } from "../audit-error.ts";
import { HASH_SIZE, sha256 } from "../hash.ts";

/** The public key of a log and the name it signs under. */
export interface LogKey {
  readonly origin: string;
  /** First 4 bytes of `SHA-256(origin ‖ "\n" ‖ 0x01 ‖ key)`. */
  readonly keyId: Uint8Array;
  readonly publicKey: KeyObject;
}

/** A tree head, before or after its signature was checked. */
export interface TreeHead {
  readonly origin: string;
  /** Leaves. */
  readonly size: number;
  readonly root: Uint8Array;
}

/** SubjectPublicKeyInfo of an Ed25519 key, up to the 32 key bytes (RFC 8410). */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

/**
 * Reads a log's public key from its one-line form (C2SP signed-note): `<origin>+<key id>+<base64(0x01 ‖ key)>`.
 *
 * @throws {AuditError} `malformed`.
 */
export function parseLogKey(text: string): LogKey {
  const [, origin, id, encoded] = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})$/u.exec(text.trim()) ?? [];
  const typed = Buffer.from(encoded ?? "", "base64");
  if (
    origin === undefined ||
    id === undefined ||
    typed.length !== 1 + 32 ||
    typed[0] !== 1 ||
    typed.toString("base64") !== encoded
  ) {
    throw new AuditError("malformed", "This is not a log's public key. It looks like `name+0123abcd+AbC…=`, on one line.");
  }
  const keyId = sha256(Buffer.concat([Buffer.from(`${origin}\n`), typed])).subarray(0, 4);
  if (keyId.toString("hex") !== id)
    throw new AuditError("malformed", "This log's public key has a typing error: its key id does not fit.");
  const publicKey = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, typed.subarray(1)]), format: "der", type: "spki" });
  return { origin, keyId, publicKey };
}

/** The text of a signed note (up to and including its last newline) when one of its signatures is this key's and is right. */
export function openNote(note: string, key: LogKey): string | undefined {
  const { text, signatures } = splitNote(note);
  const ours = signatures
    .map((line) => /^— (\S+) ([A-Za-z0-9+/]+={0,2})$/u.exec(line))
    .filter((match) => match?.[1] === key.origin)
    .map((match) => Buffer.from(match?.[2] ?? "", "base64"))
    // Signatures of others, witnesses for instance, are not ours to judge; several of ours must all be right.
    .filter((signature) => signature.length === 4 + 64 && signature.subarray(0, 4).equals(key.keyId));
  const good =
    ours.length > 0 && ours.every((signature) => verify(null, Buffer.from(text), key.publicKey, signature.subarray(4)));
  return good ? text : undefined;
}

/**
 * Reads a checkpoint (C2SP tlog-checkpoint) without checking its signature.
 *
 * @throws {AuditError} `malformed`.
 */
export function parseCheckpoint(note: string): TreeHead {
  const [origin, size, root, ...extensions] = splitNote(note).text.split("\n");
  const hash = Buffer.from(root ?? "", "base64");
  const count = Number(size);
  const good =
    origin !== undefined &&
    origin !== "" &&
    /^(0|[1-9][0-9]*)$/.test(size ?? "") &&
    Number.isSafeInteger(count) &&
    hash.length === HASH_SIZE;
  if (!good || hash.toString("base64") !== root || extensions.pop() !== "" || extensions.includes("")) {
    throw new AuditError(
      "malformed",
      "This is not a checkpoint: its first three lines are the log's name, its size and its root hash.",
    );
  }
  return { origin, size: count, root: hash };
}

/**
 * The tree head of a checkpoint that this log signed.
 *
 * @throws {AuditError} `malformed` when it is none, or its signature or its log is another.
 */
export function openCheckpoint(note: string, key: LogKey): TreeHead {
  const head = parseCheckpoint(note);
  if (head.origin !== key.origin)
    throw new AuditError("malformed", `It is a checkpoint of the log "${head.origin}", not of "${key.origin}".`);
  if (openNote(note, key) === undefined)
    throw new AuditError("malformed", "Its signature is wrong: the log's key did not sign it.");
  return head;
}

function splitNote(note: string): { text: string; signatures: readonly string[] } {
  const end = note.lastIndexOf("\n\n");
  if (end === -1 || !note.endsWith("\n") || !note.isWellFormed()) {
    throw new AuditError("malformed", "This is not a signed note: a text, an empty line, and a line for each signature.");
  }
  return { text: note.slice(0, end + 1), signatures: note.slice(end + 2, -1).split("\n") };
}
