import { createCipheriv, createDecipheriv, randomBytes, type ScryptOptions, scrypt } from "node:crypto";
import { type FileHandle, open, readFile, rename, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { CountersignError } from "@countersign/policy";
import { z } from "zod";
import { Secret } from "./secret.ts";
import { UnchangedFile } from "./unchanged-file.ts";

/** What a store is locked with: 32 random bytes, or a passphrase that they are derived from (scrypt). */
export type StoreKey = Buffer | { readonly passphrase: Secret };

/** Named credentials in one encrypted file. */
export interface CredentialStore {
  /** Undefined when there is none of that name. */
  get(name: string): Promise<Secret | undefined>;
  set(name: string, value: Secret): Promise<void>;
  /** Whether there was one. */
  remove(name: string): Promise<boolean>;
  /** The names, sorted. */
  list(): Promise<string[]>;
}

/**
 * The credentials are one JSON object, sealed as a whole with AES-256-GCM: an entry cannot be changed, swapped, or taken out unnoticed, and the
 * file does not tell the names. The head is authenticated along with it.
 */
const fileSchema = z.strictObject({
  version: z.literal(1),
  /** Of the passphrase; null when the key is given directly. Bounds keep a changed file from asking for all the memory. */
  scrypt: z.strictObject({ salt: z.base64(), logN: z.int().min(14).max(20), r: z.literal(8), p: z.literal(1) }).nullable(),
  nonce: z.base64(),
  sealed: z.base64(),
});
type StoreFile = z.output<typeof fileSchema>;

const entriesSchema = z.record(z.string(), z.string());
const tagBytes = 16;
const lockPatienceMs = 3000;

/**
 * Opens a store; the file is created by the first `set` and looked at for each use, so that another process may change it.
 *
 * Its methods throw {CountersignError} `target_credentials` when the file was tampered with, is locked with another key, or cannot be written.
 *
 * @throws {RangeError} for a key that is not 32 bytes.
 */
export function openCredentialStore(file: string, key: StoreKey): CredentialStore {
  if (Buffer.isBuffer(key) && key.length !== 32) throw new RangeError("The key of a credential store has 32 bytes");
  return new FileStore(file, key);
}

class FileStore implements CredentialStore {
  readonly #file: string;
  readonly #key: StoreKey;
  readonly #unchanged: UnchangedFile<ReadonlyMap<string, string>>;
  /** Deriving is slow on purpose; done once for each salt. */
  #derived: { readonly salt: string; readonly key: Buffer } | undefined;

  constructor(file: string, key: StoreKey) {
    this.#file = file;
    this.#key = key;
    this.#unchanged = new UnchangedFile(file);
  }

  async get(name: string): Promise<Secret | undefined> {
    const value = (await this.#unchanged.get(() => this.#read())).get(name);
    return value === undefined ? undefined : new Secret(value);
  }

  async list(): Promise<string[]> {
    return [...(await this.#read()).keys()].sort();
  }

  async set(name: string, value: Secret): Promise<void> {
    await this.#change((entries) => entries.set(name, value.reveal()));
  }

  async remove(name: string): Promise<boolean> {
    return this.#change((entries) => entries.delete(name));
  }

  async #change<T>(change: (entries: Map<string, string>) => T): Promise<T> {
    const lock = await this.#lock();
    try {
      const entries = await this.#read();
      const result = change(entries);
      await this.#write(entries);
      return result;
    } finally {
      await lock.close();
      await rm(lockOf(this.#file), { force: true });
    }
  }

  async #read(): Promise<Map<string, string>> {
    const stored = await this.#load();
    if (!stored) return new Map();
    try {
      const plain = unseal(stored, await this.#keyFor(stored.scrypt));
      return new Map(Object.entries(entriesSchema.parse(JSON.parse(plain))));
    } catch (error) {
      throw broken(`The credential store ${this.#file} was changed, or is locked with another key.`, error);
    }
  }

  async #load(): Promise<StoreFile | undefined> {
    let text: string;
    try {
      text = await readFile(this.#file, "utf8");
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw broken(`The credential store ${this.#file} cannot be read.`, error);
    }
    try {
      return fileSchema.parse(JSON.parse(text));
    } catch (error) {
      throw broken(`The credential store ${this.#file} is damaged.`, error);
    }
  }

  async #write(entries: Map<string, string>): Promise<void> {
    const head = Buffer.isBuffer(this.#key)
      ? null
      : { salt: randomBytes(16).toString("base64"), logN: 15, r: 8 as const, p: 1 as const };
    const stored = seal(JSON.stringify(Object.fromEntries(entries)), head, await this.#keyFor(head));
    const next = `${this.#file}.new`;
    try {
      await rm(next, { force: true });
      const file = await open(next, "wx", 0o600);
      try {
        await file.writeFile(`${JSON.stringify(stored, null, 2)}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(next, this.#file);
    } catch (error) {
      throw broken(`The credential store ${this.#file} cannot be written.`, error);
    }
  }

  async #keyFor(head: StoreFile["scrypt"]): Promise<Buffer> {
    const key = this.#key;
    if (Buffer.isBuffer(key) !== (head === null)) throw new TypeError("The store is locked in the other way");
    if (Buffer.isBuffer(key) || head === null) return Buffer.isBuffer(key) ? key : Buffer.alloc(0);
    if (this.#derived?.salt !== head.salt) {
      const cost = { N: 2 ** head.logN, r: head.r, p: head.p, maxmem: 2 ** (head.logN + 11) };
      this.#derived = { salt: head.salt, key: await derive(key.passphrase, Buffer.from(head.salt, "base64"), cost) };
    }
    return this.#derived.key;
  }

  /** Two processes that change the store at once would lose one of the changes. */
  async #lock(): Promise<FileHandle> {
    const path = lockOf(this.#file);
    for (let waitedMs = 0; ; waitedMs += 50) {
      try {
        return await open(path, "wx", 0o600);
      } catch (error) {
        const taken = error instanceof Error && "code" in error && error.code === "EEXIST";
        if (!taken) throw broken(`The credential store ${this.#file} cannot be written.`, error);
        if (waitedMs >= lockPatienceMs)
          throw broken(`${path} is in the way: another process changes the store, or one died doing so; then remove it.`, error);
        await sleep(50);
      }
    }
  }
}

function lockOf(file: string): string {
  return `${file}.lock`;
}

function associated(head: StoreFile["scrypt"]): Buffer {
  return Buffer.from(`countersign/credentials/v1\n${JSON.stringify(head)}`);
}

function seal(plain: string, head: StoreFile["scrypt"], key: Buffer): StoreFile {
  const nonce = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes }).setAAD(associated(head));
  const sealed = Buffer.concat([cipher.update(plain, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return { version: 1, scrypt: head, nonce: nonce.toString("base64"), sealed: sealed.toString("base64") };
}

function unseal(stored: StoreFile, key: Buffer): string {
  const sealed = Buffer.from(stored.sealed, "base64");
  const nonce = Buffer.from(stored.nonce, "base64");
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagBytes }).setAAD(associated(stored.scrypt));
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  return Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()]).toString("utf8");
}

function derive(passphrase: Secret, salt: Buffer, cost: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(passphrase.reveal(), salt, 32, cost, (error, key) => (error ? reject(error) : resolve(key)));
  });
}

function broken(message: string, cause: unknown): CountersignError {
  return new CountersignError("target_credentials", message, { cause });
}
