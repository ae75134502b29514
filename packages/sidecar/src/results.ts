import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { type FileHandle, mkdir, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Receipt } from "@countersign/rpc";
import { chunkBody, decodeChunk, encodeChunk } from "./chunk-forms.ts";
import type { EventWriter } from "./event-writer.ts";
import type { ResultChunk } from "./protocols/connector.ts";

/** Where and for how long the results of durable requests are kept. */
export interface ResultsOptions {
  readonly folder: string;
  /** 32 bytes; every frame is encrypted with it (AES-256-GCM). */
  readonly key: Buffer;
  /** The largest result that is kept, bytes. */
  readonly capBytes: number;
  /** How long it is kept, milliseconds. */
  readonly keepMs: number;
  readonly now: () => number;
}

/** The frame that ends a result; those before it are chunks. */
const receiptFrame = 3;
const nonceBytes = 12;
const tagBytes = 16;

/**
 * The results of durable requests, one encrypted file each, so that a caller who comes back can read what ran without it. A frame is
 * `uint32 length ‖ nonce ‖ ciphertext ‖ tag`; the request's id and the frame's index are authenticated, so frames cannot be moved.
 */
export class Results {
  readonly #options: ResultsOptions;

  constructor(options: ResultsOptions) {
    this.#options = options;
  }

  /** The largest result that is kept, bytes. */
  get capBytes(): number {
    return this.#options.capBytes;
  }

  /** Starts keeping a result. */
  create(id: string): ResultWriter {
    return new ResultWriter(this.#path(id), id, this.#options);
  }

  /** Sends what is kept of a result to a viewer and gives its receipt; nothing when it is not kept (any more). */
  async replay(id: string, endedSequence: number, afterSequence: number, writer: EventWriter): Promise<Receipt | undefined> {
    // Two passes: chunks are numbered backwards from the end, so they must be counted first.
    let count = 0;
    for await (const kind of this.#kinds(id)) if (kind !== receiptFrame) count++;
    let sequence = endedSequence - count;
    let receipt: Receipt | undefined;
    for await (const { kind, body } of this.#frames(id)) {
      if (kind === receiptFrame) receipt = body.length > 0 ? Receipt.decode(body) : undefined;
      else if (sequence++ > afterSequence) {
        const chunk = decodeChunk(kind, body);
        if (chunk !== undefined) await writer.add(sequence - 1, chunkBody(chunk));
      }
    }
    return receipt;
  }

  /** Removes results that are kept for longer than they should be. */
  async sweep(): Promise<void> {
    const { folder, keepMs, now } = this.#options;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      if ((await stat(path)).mtimeMs < now() - keepMs) await rm(path, { force: true });
    }
  }

  async *#kinds(id: string): AsyncGenerator<number> {
    for await (const { kind } of this.#frames(id)) yield kind;
  }

  async *#frames(id: string): AsyncGenerator<{ kind: number; body: Buffer }> {
    let file: FileHandle;
    try {
      file = await open(this.#path(id), "r");
    } catch {
      return;
    }
    try {
      const header = Buffer.alloc(4);
      for (let index = 0; (await file.read(header, 0, 4, null)).bytesRead === 4; index++) {
        const sealed = Buffer.alloc(header.readUInt32BE());
        if ((await file.read(sealed, 0, sealed.length, null)).bytesRead < sealed.length) return;
        const plain = unseal(sealed, this.#options.key, aad(id, index));
        yield { kind: plain[0] ?? 0, body: plain.subarray(1) };
      }
    } finally {
      await file.close();
    }
  }

  #path(id: string): string {
    return join(this.#options.folder, id);
  }
}

/** Keeps one result while it streams. */
export class ResultWriter {
  readonly #id: string;
  readonly #key: Buffer;
  readonly #file: Promise<FileHandle>;
  #index = 0;

  constructor(path: string, id: string, options: ResultsOptions) {
    this.#id = id;
    this.#key = options.key;
    this.#file = open(path, "w", 0o600);
    // A failure surfaces at the first write; until then nobody waits for it.
    this.#file.catch(() => {});
  }

  /** Adds a part of the result. */
  add(chunk: ResultChunk): Promise<void> {
    const { frame, bytes } = encodeChunk(chunk);
    return this.#write(frame, bytes);
  }

  /** Ends it with the receipt and makes it durable. */
  async finish(receipt: Receipt | undefined): Promise<void> {
    await this.#write(receiptFrame, receipt === undefined ? new Uint8Array() : Receipt.encode(receipt).finish());
    const file = await this.#file;
    await file.sync();
    await file.close();
  }

  async #write(kind: number, body: Uint8Array): Promise<void> {
    const sealed = seal(Buffer.concat([Buffer.of(kind), body]), this.#key, aad(this.#id, this.#index++));
    const header = Buffer.alloc(4);
    header.writeUInt32BE(sealed.length);
    await (await this.#file).write(Buffer.concat([header, sealed]));
  }
}

function aad(id: string, index: number): Buffer {
  return Buffer.from(`countersign/result/v1\n${id}\n${index}`);
}

function seal(plain: Buffer, key: Buffer, data: Buffer): Buffer {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(data);
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function unseal(sealed: Buffer, key: Buffer, data: Buffer): Buffer {
  const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, nonceBytes), { authTagLength: tagBytes }).setAAD(data);
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, -tagBytes)), decipher.final()]);
}
