import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { link, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { CountersignError } from "@countersign/policy";
import { z } from "zod";
import { encodeEd25519, fingerprint, keyLine } from "./public-key.ts";

/** `next` is trusted before it signs, `old` after it has signed. */
type AuthorityState = "next" | "active" | "old";

/** One key of the authority that certifies Countersign's own logins. */
export interface AuthorityKey {
  readonly state: AuthorityState;
  readonly createdMs: number;
  /** As a line of sshd's TrustedUserCAKeys. */
  readonly line: string;
  readonly fingerprint: string;
  readonly privateKey: KeyObject;
}

/** Signs the certificates with which commands are dispatched. */
export interface SshAuthority {
  /** The key that signs now; read anew, so that a rotation needs no restart. */
  active(): Promise<AuthorityKey>;
}

/** A step of a rotation, and what each state becomes by it; without a place a key is dropped. */
const steps = {
  /** Another key is made, for targets to trust. */
  rotate: { needs: undefined, forbids: "next", becomes: { active: "active", old: "old" } },
  /** It signs from now on; the one before it is still trusted. */
  switch: { needs: "next", forbids: "old", becomes: { next: "active", active: "old" } },
  /** Targets may drop the one before it. */
  retire: { needs: "old", forbids: undefined, becomes: { active: "active", next: "next" } },
} as const satisfies Record<string, Step>;

interface Step {
  readonly needs: AuthorityState | undefined;
  readonly forbids: AuthorityState | undefined;
  readonly becomes: Partial<Record<AuthorityState, AuthorityState>>;
}

/** One of `rotate`, `switch`, `retire`. */
export type AuthorityStep = keyof typeof steps;

const stored = z.strictObject({
  version: z.literal(1),
  keys: z.array(z.strictObject({ state: z.enum(["next", "active", "old"]), createdMs: z.number(), pkcs8: z.base64() })),
});
type Stored = z.output<typeof stored>;

/** An authority whose keys are in a file of mode 0600, made when it is first needed. */
export class FileAuthority implements SshAuthority {
  readonly #path: string;
  readonly #now: () => number;
  #read: { readonly changedMs: number; readonly keys: readonly AuthorityKey[] } | undefined;

  constructor(path: string, now: () => number) {
    this.#path = path;
    this.#now = now;
  }

  async active(): Promise<AuthorityKey> {
    const active = (await this.keys()).find(({ state }) => state === "active");
    if (active === undefined) throw damaged(this.#path);
    return active;
  }

  /**
   * All keys, the active one first.
   *
   * @throws {CountersignError} `target_credentials` when the file is damaged or others can read it.
   */
  async keys(): Promise<readonly AuthorityKey[]> {
    const changedMs = await this.#changedMs();
    if (changedMs === undefined) {
      await this.#create();
      return this.keys();
    }
    if (this.#read?.changedMs !== changedMs) this.#read = { changedMs, keys: (await this.#load()).keys.map(authorityKey) };
    const order: readonly AuthorityState[] = ["active", "next", "old"];
    return [...this.#read.keys].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state));
  }

  /**
   * Goes one step of a rotation.
   *
   * @throws {CountersignError} `invalid_request` when it is not its turn.
   */
  async step(name: AuthorityStep): Promise<readonly AuthorityKey[]> {
    await this.keys();
    const { keys } = await this.#load();
    const { needs, forbids, becomes }: Step = steps[name];
    const there = (state: AuthorityState | undefined) => keys.some((key) => key.state === state);
    if (needs !== undefined && !there(needs))
      throw new CountersignError("invalid_request", `There is no ${needs} key; ${advice[needs] ?? "nothing to do"}.`);
    if (forbids !== undefined && there(forbids))
      throw new CountersignError(
        "invalid_request",
        `There is an ${forbids === "old" ? "old" : "unused next"} key already; ${advice[forbids] ?? ""}.`,
      );
    const kept = keys.flatMap((key) => {
      const state = becomes[key.state];
      return state === undefined ? [] : [{ ...key, state }];
    });
    await this.#save([...kept, ...(name === "rotate" ? [newKey("next", this.#now())] : [])]);
    return this.keys();
  }

  async #changedMs(): Promise<number | undefined> {
    try {
      const { mode, mtimeMs } = await stat(this.#path);
      if ((mode & 0o077) === 0) return mtimeMs;
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    }
    throw new CountersignError("target_credentials", `${this.#path} is open to other users. Run: chmod 600 ${this.#path}`);
  }

  async #load(): Promise<Stored> {
    try {
      return stored.parse(JSON.parse(await readFile(this.#path, "utf8")));
    } catch {
      throw damaged(this.#path);
    }
  }

  /** Two processes may do this at once: the first one's key stays. */
  async #create(): Promise<void> {
    const temporary = await this.#write([newKey("active", this.#now())]);
    await link(temporary, this.#path).catch((error: unknown) => {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    });
    await rm(temporary);
  }

  async #save(keys: Stored["keys"]): Promise<void> {
    await rename(await this.#write(keys), this.#path);
    this.#read = undefined;
  }

  async #write(keys: Stored["keys"]): Promise<string> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    const temporary = `${this.#path}.${process.pid}.${this.#now()}`;
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(`${JSON.stringify({ version: 1, keys } satisfies Stored, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    return temporary;
  }
}

const advice: Partial<Record<AuthorityState, string>> = {
  next: "let the targets trust it (`countersign ssh ca`), then `countersign ssh ca switch`",
  old: "`countersign ssh ca retire` drops it",
};

function newKey(state: AuthorityState, createdMs: number): Stored["keys"][number] {
  const { privateKey } = generateKeyPairSync("ed25519");
  return { state, createdMs, pkcs8: privateKey.export({ format: "der", type: "pkcs8" }).toString("base64") };
}

function authorityKey({ state, createdMs, pkcs8 }: Stored["keys"][number]): AuthorityKey {
  const privateKey = createPrivateKey({ key: Buffer.from(pkcs8, "base64"), format: "der", type: "pkcs8" });
  const blob = encodeEd25519(privateKey);
  return { state, createdMs, line: keyLine(blob, `countersign-${state}`), fingerprint: fingerprint(blob), privateKey };
}

function damaged(path: string): CountersignError {
  return new CountersignError(
    "target_credentials",
    `${path}, the keys of the SSH authority, cannot be read; restore it from a backup.`,
  );
}
