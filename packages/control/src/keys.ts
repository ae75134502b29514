import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, statSync, unlinkSync, writeSync } from "node:fs";
import { join } from "node:path";
import { ControlPlaneError } from "./control-plane-error.ts";

/** An Ed25519 key pair. */
export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** The keys of a data folder. */
export interface Keys {
  /** Signs the audit log's checkpoints. */
  readonly log: KeyPair;
  /** Signs votes. */
  readonly vote: KeyPair;
  /** Signs the tokens of the development issuer. */
  readonly developmentIssuer: KeyPair;
  /** 32 bytes; encrypts payloads and stored requests. */
  readonly payload: Uint8Array;
}

const payloadKeyBytes = 32;

/**
 * Opens the keys in `<folder>/keys`, making those that are missing. The folder is 0700, each file 0600.
 *
 * @throws {ControlPlaneError} `folder_unsafe` when others can read a key, `key_damaged` when a file holds no key.
 */
export function openKeys(folder: string): Keys {
  const keys = join(folder, "keys");
  dataFolder(folder);
  privateFolder(keys);
  return {
    log: keyPair(join(keys, "log.pem")),
    vote: keyPair(join(keys, "vote.pem")),
    developmentIssuer: keyPair(join(keys, "development-issuer.pem")),
    payload: payloadKey(join(keys, "payload.key")),
  };
}

/**
 * Makes a folder that only its owner can enter, or checks that it is one.
 *
 * @throws {ControlPlaneError} `folder_unsafe`.
 */
export function privateFolder(folder: string): void {
  makeFolder(folder);
  checkMode(folder, 0o077, "Others can read", "700");
}

/**
 * Makes a data folder, or checks that nobody else can put files into one that is there.
 *
 * @throws {ControlPlaneError} `folder_unsafe`.
 */
export function dataFolder(folder: string): void {
  makeFolder(folder);
  checkMode(folder, 0o022, "Others can write to", "700");
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new ControlPlaneError("folder_unsafe", `${folder} cannot be made: ${reason(cause)}.`, cause);
  }
}

function keyPair(file: string): KeyPair {
  const text = readOrMake(file, () =>
    generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  );
  try {
    const privateKey = createPrivateKey(text);
    if (privateKey.asymmetricKeyType !== "ed25519") throw new TypeError("not an Ed25519 key");
    return { privateKey, publicKey: createPublicKey(privateKey) };
  } catch {
    // The cause is left out: it might quote the file.
    throw new ControlPlaneError("key_damaged", `${file} holds no Ed25519 private key in PEM. Restore it from a backup.`);
  }
}

function payloadKey(file: string): Uint8Array {
  const text = readOrMake(file, () => `${randomBytes(payloadKeyBytes).toString("base64")}\n`).trim();
  const key = Buffer.from(text, "base64");
  if (key.length !== payloadKeyBytes || key.toString("base64") !== text) {
    throw new ControlPlaneError("key_damaged", `${file} does not hold 32 bytes in base64. Restore it from a backup.`);
  }
  return key;
}

/** The text of a key file. A new one appears whole under its name, or not at all, and never replaces one that is there. */
function readOrMake(file: string, make: () => string): string {
  try {
    checkMode(file, 0o077, "Others can read", "600");
    return readFileSync(file, "utf8");
  } catch (failure) {
    if (!isNotFound(failure)) throw failure;
  }
  const draft = `${file}.${randomBytes(8).toString("hex")}`;
  const descriptor = openSync(draft, "wx", 0o600);
  try {
    writeSync(descriptor, make());
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  try {
    linkSync(draft, file);
  } catch (failure) {
    // Another process was quicker: its key is the one.
    if (!(failure instanceof Error && "code" in failure && failure.code === "EEXIST")) throw failure;
  } finally {
    unlinkSync(draft);
  }
  return readFileSync(file, "utf8");
}

/** @param forbidden - Permission bits that must not be set. */
function checkMode(path: string, forbidden: number, problem: string, wanted: string): void {
  const { mode, uid } = statSync(path);
  // Windows has no such bits.
  if (process.platform === "win32") return;
  if ((mode & forbidden) !== 0)
    throw new ControlPlaneError("folder_unsafe", `${problem} ${path}. Run: chmod ${wanted} '${path}'`);
  const owner = process.getuid?.();
  if (owner !== undefined && owner !== 0 && uid !== owner) {
    throw new ControlPlaneError("folder_unsafe", `${path} belongs to another user. Use a data folder of your own.`);
  }
}

function isNotFound(failure: unknown): boolean {
  return failure instanceof Error && "code" in failure && failure.code === "ENOENT";
}

function reason(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "unknown reason";
}
