import { type FileHandle, open } from "node:fs/promises";
import { resolve } from "node:path";
import { CountersignError } from "@countersign/policy";
import { z } from "zod";
import { Secret } from "./secret.ts";
import type { CredentialStore } from "./store.ts";
import { UnchangedFile } from "./unchanged-file.ts";

const inlineSecret =
  "a secret cannot be written here, where backups and version control would keep it. Write `{ env: NAME }` (an environment variable of " +
  "`countersign up`), `{ file: PATH }`, or `{ store: NAME }` (after `countersign credentials set NAME`)";

const places = z.union([
  /** An environment variable. */
  z.strictObject({ env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "the name of an environment variable") }),
  /** A file that only its owner (and group) can read; `shared: true` accepts any, as for a secret mounted into a container. */
  z.strictObject({ file: z.string().min(1), shared: z.boolean().default(false) }),
  /** An entry of the encrypted local store. */
  z.strictObject({ store: z.string().min(1) }),
]);

/** Where a credential comes from, as in countersign.yaml. One that is written there itself is found before anything else looks at it: no message quotes it. */
export const credentialSourceSchema = z.preprocess((value, context) => {
  if (typeof value !== "string" && typeof value !== "number") return value;
  context.addIssue({ code: "custom", message: inlineSecret });
  return z.NEVER;
}, places);

/** A checked {@link credentialSourceSchema}. */
export type CredentialSourceConfig = z.output<typeof credentialSourceSchema>;

/** Gives a credential as it is now: every use looks whether it has changed, so that rotation needs no restart. */
export interface CredentialSource {
  /** @throws {CountersignError} `target_credentials`: says where it was looked for, never what was found. */
  read(): Promise<Secret>;
}

/** What sources read from. */
export interface CredentialContext {
  /** Files are relative to it: the folder of the configuration. */
  readonly folder: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly store?: CredentialStore;
}

/** A credential is a line, not a document. */
const mostBytes = 64 * 1024;

/** Opens a source; nothing is read yet. */
export function openCredential(config: CredentialSourceConfig, context: CredentialContext): CredentialSource {
  if ("env" in config) return { read: async () => fromEnvironment(config.env, context.env ?? process.env) };
  if ("file" in config) {
    const path = resolve(context.folder, config.file);
    const file = new UnchangedFile<Secret>(path);
    return { read: () => file.get(() => fromFile(path, config.shared)) };
  }
  return { read: () => fromStore(config.store, context.store) };
}

function fromEnvironment(name: string, env: Readonly<Record<string, string | undefined>>): Secret {
  const value = env[name];
  if (!value) throw missing(`The environment variable ${name} is not set.`);
  return new Secret(value);
}

async function fromFile(path: string, shared: boolean): Promise<Secret> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (error) {
    throw missing(`The credential file ${path} cannot be read (${codeOf(error)}).`, error);
  }
  try {
    // Asked of the open file: its name may mean another one by now.
    const { mode, size } = await file.stat();
    if (!shared && (mode & 0o007) !== 0) {
      throw missing(
        `The credential file ${path} is open to every user of this machine. Run: chmod 600 ${path} (or set shared: true for a mounted secret).`,
      );
    }
    if (size > mostBytes) throw missing(`The credential file ${path} is larger than ${mostBytes} bytes.`);
    const value = (await file.readFile("utf8")).replace(/\r?\n$/, "");
    if (value === "") throw missing(`The credential file ${path} is empty.`);
    return new Secret(value);
  } finally {
    await file.close();
  }
}

async function fromStore(name: string, store: CredentialStore | undefined): Promise<Secret> {
  if (!store) throw missing(`The credential ${name} is in the local store, but no store is open.`);
  const value = await store.get(name);
  if (!value) throw missing(`The local store has no credential ${JSON.stringify(name)}.`);
  return value;
}

function missing(message: string, cause?: unknown): CountersignError {
  return new CountersignError("target_credentials", message, { cause });
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "error";
}
