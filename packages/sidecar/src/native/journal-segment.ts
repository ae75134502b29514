import { type CipherGCM, createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { close, closeSync, fdatasync, openSync, unlinkSync, writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { promisify } from "node:util";

/** Which of a journal's files it is. */
export interface SegmentName {
  /** 32 hex digits, of one process. */
  readonly run: string;
  /** 1, 2, 3 … */
  readonly number: number;
}

const magic = Buffer.from("countersign/journal/v1\n");
const tagBytes = 16;
const lengthBytes = 4;
/** For frames up to this size no memory is asked for. */
const scratchBytes = 64 * 1024;
const closeFile = promisify(close);

/** What a journal has of the disk; a test may have it fail. */
export interface Disk {
  /** Gives how many bytes were taken. */
  write(descriptor: number, bytes: Uint8Array): number;
  sync(descriptor: number): Promise<void>;
}

/** The real one. */
export const disk: Disk = {
  write: (descriptor, bytes) => writeSync(descriptor, bytes, 0, bytes.length, null),
  sync: promisify(fdatasync),
};

/** `<run>-<number>.journal`, sorted by number within a run. */
function segmentFile({ run, number }: SegmentName): string {
  return `${run}-${String(number).padStart(8, "0")}.journal`;
}

/** The name of a journal's file; undefined for another file. */
export function readSegmentFile(file: string): SegmentName | undefined {
  const [, run, number] = /^([0-9a-f]{32})-(\d{8,12})\.journal$/.exec(file) ?? [];
  return run === undefined || number === undefined ? undefined : { run, number: Number(number) };
}

/**
 * One file of a journal, being written: a line that says what it is, then frames of `uint32 length ‖ ciphertext ‖ tag` (AES-256-GCM). The key is
 * the segment's own, and a frame's nonce is its number: frames cannot be moved, repeated or left out in the middle without being noticed.
 */
export class Segment {
  readonly path: string;
  /** Bytes that were written. */
  size = 0;
  /** Whether something was written since the last {@link sync} began. */
  dirty = false;
  /** Records that need this segment and those after it. */
  records = 0;
  readonly #disk: Disk;
  readonly #descriptor: number;
  readonly #key: KeyObject;
  readonly #nonce = Buffer.alloc(12);
  readonly #scratch = Buffer.allocUnsafe(scratchBytes);
  /** Its name must be on disk before anything in it counts as being there. */
  readonly #named: Promise<void>;
  #frames = 0;
  /** Of the next frame, where it was made ready. */
  #ready: CipherGCM | undefined;

  /**
   * @param folder holds it.
   * @throws what the file system says.
   */
  constructor(folder: string, name: SegmentName, key: Uint8Array, disk: Disk) {
    this.path = `${folder}/${segmentFile(name)}`;
    this.#key = segmentKey(key, name);
    this.#disk = disk;
    this.#descriptor = openSync(this.path, "wx", 0o600);
    try {
      this.#write(magic);
    } catch (error) {
      closeSync(this.#descriptor);
      unlinkSync(this.path);
      throw error;
    }
    this.#named = syncFolder(folder);
    // A failure surfaces at the first sync.
    this.#named.catch(() => {});
  }

  /**
   * Hands lines to the operating system as one frame.
   *
   * @throws what the file system says; what is there then is not to be added to.
   */
  append(lines: string): void {
    const cipher = this.#ready ?? this.#nextCipher();
    this.#ready = undefined;
    const sealed = cipher.update(lines, "utf8");
    cipher.final();
    const total = lengthBytes + sealed.length + tagBytes;
    const frame = total <= this.#scratch.length ? this.#scratch.subarray(0, total) : Buffer.allocUnsafe(total);
    frame.writeUInt32BE(sealed.length + tagBytes, 0);
    frame.set(sealed, lengthBytes);
    frame.set(cipher.getAuthTag(), lengthBytes + sealed.length);
    this.#write(frame);
  }

  /** Makes the cipher of the next frame ready while nobody waits for it: that is half of what a frame takes (measured). */
  prepare(): void {
    this.#ready ??= this.#nextCipher();
  }

  #nextCipher(): CipherGCM {
    return createCipheriv("aes-256-gcm", this.#key, nonceOf(this.#nonce, this.#frames++));
  }

  #write(bytes: Uint8Array): void {
    const written = this.#disk.write(this.#descriptor, bytes);
    if (written !== bytes.length) throw new Error("the disk is full");
    this.size += written;
    this.dirty = true;
  }

  /** Resolves when all that was written before is on disk. */
  async sync(): Promise<void> {
    this.dirty = false;
    await this.#named;
    await this.#disk.sync(this.#descriptor);
  }

  close(): Promise<void> {
    return closeFile(this.#descriptor);
  }
}

/** What can be read of a segment. */
export interface ReadSegment {
  /** The texts of its frames, in order. */
  readonly frames: readonly string[];
  /** Bytes at the end that are whole frames and yet cannot be opened: damaged, or of another key. A frame that was cut off is none. */
  readonly unreadable: number;
}

/** Reads a segment as far as it is whole: a crash cuts its last frame off, a power cut may leave blocks of zeros. */
export function readSegment(bytes: Buffer, name: SegmentName, key: Uint8Array): ReadSegment {
  const frames: string[] = [];
  if (!bytes.subarray(0, magic.length).equals(magic)) return { frames, unreadable: bytes.length };
  const own = segmentKey(key, name);
  let at = magic.length;
  while (at + lengthBytes <= bytes.length) {
    const end = at + lengthBytes + bytes.readUInt32BE(at);
    if (end > bytes.length) break;
    const text = openFrame(bytes.subarray(at + lengthBytes, end), own, frames.length);
    if (text === undefined) return { frames, unreadable: bytes.length - at };
    frames.push(text);
    at = end;
  }
  return { frames, unreadable: 0 };
}

function openFrame(frame: Buffer, key: KeyObject, number: number): string | undefined {
  if (frame.length < tagBytes) return undefined;
  const decipher = createDecipheriv("aes-256-gcm", key, nonceOf(Buffer.alloc(12), number), { authTagLength: tagBytes });
  decipher.setAuthTag(frame.subarray(-tagBytes));
  try {
    return Buffer.concat([decipher.update(frame.subarray(0, -tagBytes)), decipher.final()]).toString();
  } catch {
    return undefined;
  }
}

/** A run's name is random and a number is used once: no key is ever used for two segments, and no nonce twice under a key. */
function segmentKey(key: Uint8Array, { run, number }: SegmentName): KeyObject {
  const own = hkdfSync("sha256", key, Buffer.from(run, "hex"), `countersign/journal/segment/v1\n${number}`, 32);
  return createSecretKey(Buffer.from(own));
}

function nonceOf(nonce: Buffer, frame: number): Buffer {
  nonce.writeUIntBE(frame, 6, 6);
  return nonce;
}

async function syncFolder(folder: string): Promise<void> {
  await using directory = await open(folder, "r");
  await directory.sync();
}
