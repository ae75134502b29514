import { bodyOf, type FileAttributes, type Operation, type SshFile } from "@countersign/policy";
import type { Attributes, SFTPWrapper } from "ssh2";
import type { OwnConnection } from "../../../native/own-connection.ts";
import type { Ended } from "../../../native/waiting-client.ts";
import { endWell } from "../ssh2-patched.ts";
import type { Visitor } from "./command-session.ts";
import { printable } from "./words.ts";

/** Status codes of SFTP (draft-ietf-secsh-filexfer-02 §7). */
const status = { ok: 0, end: 1, noSuchFile: 2, permissionDenied: 3, failure: 4, unsupported: 8 } as const;
/** What an open asks for (§6.3). */
const flag = { read: 1, write: 2, append: 4, create: 8, truncate: 16 } as const;

/** A file that is read was read whole when it was opened; of one that is written nothing is sent before it is closed. */
type Handle =
  | { readonly type: "read"; readonly data: Buffer }
  | {
      readonly type: "write";
      readonly action: "write" | "append";
      readonly path: string;
      readonly pieces: Buffer[];
      size: number;
      attributes: FileAttributes;
      /** Whether nothing of an older file is left: opened so, or cut to what was written. */
      isWhole: boolean;
    }
  | { readonly type: "list"; entries: readonly Entry[] };

interface Entry extends FileAttributes {
  readonly name: string;
}

/** Files are held in memory while they are decided about. */
const mostFileBytes = 64 * 1024 * 1024;
const mostHandles = 64;

/** What went wrong, for the client. */
class Refusal extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Serves files to one client over SFTP: every request is an action of its own, decided, held and recorded as such. */
export class FileSession {
  readonly #sftp: SFTPWrapper;
  readonly #visitor: Visitor;
  readonly #gone = new AbortController();
  readonly #handles = new Map<number, Handle>();
  #next = 0;

  constructor(sftp: SFTPWrapper, visitor: Visitor) {
    this.#sftp = sftp;
    this.#visitor = visitor;
    sftp.on("error", () => {});
    for (const event of ["end", "close"] as const)
      sftp.on(event, () => {
        this.#gone.abort("The client left.");
        // It waits for the end of ours.
        endWell(sftp);
      });
    sftp.on("OPEN", (id, path, flags, attributes) =>
      this.#answer(id, async () => sftp.handle(id, await this.#open(path, flags, attributes))),
    );
    sftp.on("READ", (id, handle, offset, length) => this.#answer(id, async () => this.#read(id, handle, offset, length)));
    sftp.on("WRITE", (id, handle, offset, data) => this.#answer(id, async () => this.#write(id, handle, offset, data)));
    sftp.on("FSTAT", (id, handle) => this.#answer(id, async () => sftp.attrs(id, this.#sizeOf(handle))));
    sftp.on("FSETSTAT", (id, handle, attributes) => this.#answer(id, async () => this.#setOpen(id, handle, attributes)));
    sftp.on("CLOSE", (id, handle) => this.#answer(id, async () => this.#close(id, handle)));
    sftp.on("OPENDIR", (id, path) => this.#answer(id, async () => sftp.handle(id, await this.#list(path))));
    sftp.on("READDIR", (id, handle) => this.#answer(id, async () => this.#readList(id, handle)));
    // SFTP tells links apart with LSTAT; what policy decides about is the same.
    for (const event of ["STAT", "LSTAT"] as const)
      sftp.on(event as "STAT", (id, path) =>
        this.#answer(id, async () => sftp.attrs(id, wireAttributes(await this.#one({ action: "stat", path })))),
      );
    sftp.on("REALPATH", (id, path) => this.#answer(id, async () => this.#name(id, { action: "real-path", path })));
    sftp.on("READLINK", (id, path) => this.#answer(id, async () => this.#name(id, { action: "read-link", path })));
    sftp.on("REMOVE", (id, path) => this.#change(id, { action: "remove", path }));
    sftp.on("RMDIR", (id, path) => this.#change(id, { action: "remove-directory", path }));
    sftp.on("MKDIR", (id, path) => this.#change(id, { action: "make-directory", path }));
    sftp.on("RENAME", (id, path, to) => this.#change(id, { action: "rename", path, to }));
    sftp.on("SYMLINK", (id, to, path) => this.#change(id, { action: "symlink", path, to }));
    sftp.on("SETSTAT", (id, path, attributes) =>
      this.#change(id, { action: "set-attributes", path, attributes: givenAttributes(attributes) }),
    );
  }

  /** Every request is answered once, whatever becomes of it. */
  #answer(id: number, work: () => Promise<unknown>): void {
    work().catch((error: unknown) => {
      if (this.#gone.signal.aborted) return;
      if (error instanceof Refusal) this.#sftp.status(id, error.code, printable(error.message));
      else {
        this.#visitor.host.onInternalError(error);
        this.#sftp.status(id, status.failure, "an internal error");
      }
    });
  }

  #change(id: number, what: Omit<SshFile, "kind">): void {
    this.#answer(id, async () => {
      await this.#run(what);
      this.#sftp.status(id, status.ok);
    });
  }

  async #open(path: string, flags: number, given: Attributes): Promise<Buffer> {
    if ((flags & flag.write) === 0) return this.#enter({ type: "read", data: await this.#run({ action: "read", path }) });
    const append = (flags & flag.append) !== 0;
    if ((flags & flag.read) !== 0 || (flags & flag.create) === 0) throw inTheMiddle();
    const action = append ? "append" : "write";
    // scp writes over an older file and cuts off its rest at the end.
    const isWhole = append || (flags & flag.truncate) !== 0;
    return this.#enter({ type: "write", action, path, pieces: [], size: 0, attributes: givenAttributes(given), isWhole });
  }

  #read(id: number, name: Buffer, offset: number, length: number): void {
    const handle = this.#handle(name);
    if (handle.type !== "read") throw new Refusal(status.failure, "it was not opened to be read");
    const data = handle.data.subarray(offset, offset + length);
    if (data.length === 0) this.#sftp.status(id, status.end);
    else this.#sftp.data(id, data);
  }

  #write(id: number, name: Buffer, offset: number, data: Buffer): void {
    const handle = this.#handle(name);
    if (handle.type !== "write") throw new Refusal(status.failure, "it was not opened to be written");
    if (handle.action === "write" && offset !== handle.size)
      throw new Refusal(status.unsupported, "a file is written from its beginning to its end");
    if (handle.size + data.length > this.#visitor.patience.mostBytes)
      throw new Refusal(
        status.failure,
        `a file of more than ${this.#visitor.patience.mostBytes} bytes cannot be shown to those who approve it`,
      );
    // ssh2 may use its buffer again.
    handle.pieces.push(Buffer.from(data));
    handle.size += data.length;
    this.#sftp.status(id, status.ok);
  }

  #setOpen(id: number, name: Buffer, given: Attributes): void {
    const handle = this.#handle(name);
    if (handle.type !== "write") throw new Refusal(status.permissionDenied, "it was not opened to be written");
    const { size, ...attributes } = givenAttributes(given);
    if (size !== undefined && size !== handle.size) throw inTheMiddle();
    if (size !== undefined) handle.isWhole = true;
    handle.attributes = { ...handle.attributes, ...attributes };
    this.#sftp.status(id, status.ok);
  }

  async #close(id: number, name: Buffer): Promise<void> {
    const handle = this.#handle(name);
    this.#handles.delete(name.readUInt32BE());
    if (handle.type === "write") {
      const { action, path, pieces, attributes, isWhole } = handle;
      if (!isWhole) throw inTheMiddle();
      const hasAttributes = Object.keys(attributes).length > 0;
      await this.#run({ action, path, content: bodyOf(Buffer.concat(pieces)), ...(hasAttributes && { attributes }) });
    }
    this.#sftp.status(id, status.ok);
  }

  async #list(path: string): Promise<Buffer> {
    const lines = (await this.#run({ action: "list", path }))
      .toString()
      .split("\n")
      .filter((line) => line !== "");
    return this.#enter({ type: "list", entries: lines.map((line) => JSON.parse(line) as Entry) });
  }

  #readList(id: number, name: Buffer): void {
    const handle = this.#handle(name);
    if (handle.type !== "list") throw new Refusal(status.failure, "it is no folder");
    const some = handle.entries.slice(0, 100);
    handle.entries = handle.entries.slice(100);
    if (some.length === 0) this.#sftp.status(id, status.end);
    else
      this.#sftp.name(
        id,
        some.map(({ name: filename, ...attributes }) => ({
          filename,
          longname: longName(filename, attributes),
          attrs: wireAttributes(attributes),
        })),
      );
  }

  async #name(id: number, what: Omit<SshFile, "kind">): Promise<void> {
    const { path } = await this.#one(what);
    this.#sftp.name(id, [{ filename: String(path), longname: String(path), attrs: wireAttributes({}) }]);
  }

  async #one(what: Omit<SshFile, "kind">): Promise<FileAttributes & { readonly path?: unknown }> {
    return JSON.parse((await this.#run(what)).toString());
  }

  /** Asks for one action, waits while it is held, and gives what it gave. */
  async #run(what: Omit<SshFile, "kind">): Promise<Buffer> {
    const { host, native, target } = this.#visitor;
    const connection = host.random(18).toString("base64url");
    const given: Buffer[] = [];
    let size = 0;
    const own: OwnConnection = {
      dispatch: (operation, role, limits, options) => {
        const signal = AbortSignal.any([options.signal, this.#gone.signal]);
        const most = Math.min(limits.bytes ?? mostFileBytes, mostFileBytes);
        const dispatch = target.dispatch(asForTarget(operation), role, { ...limits, bytes: most }, { ...options, signal });
        const run = () =>
          dispatch.run((chunk) => {
            if (chunk.type !== "output") return;
            given.push(Buffer.from(chunk.data));
            size += chunk.data.length;
          });
        return { prepare: () => dispatch.prepare(), run, close: () => dispatch.close() };
      },
      cut: (reason) => this.#gone.abort(reason),
    };
    const gate = this.#enterGate(native, connection, own);
    try {
      const ended = await gate.run(
        { kind: "ssh.file", ...what, connection: { id: connection } },
        { pending() {} },
        this.#gone.signal,
      );
      if (ended.state !== "succeeded") throw refusalOf(ended);
      return Buffer.concat(given, size);
    } finally {
      gate[Symbol.dispose]();
    }
  }

  #enterGate(native: Visitor["native"], connection: string, own: OwnConnection): ReturnType<Visitor["native"]> {
    try {
      return native(connection, own);
    } catch (error) {
      throw new Refusal(status.permissionDenied, error instanceof Error ? error.message : "not now");
    }
  }

  #enter(handle: Handle): Buffer {
    if (this.#handles.size >= mostHandles) throw new Refusal(status.failure, "too many open files");
    const name = Buffer.alloc(4);
    name.writeUInt32BE(this.#next);
    this.#handles.set(this.#next++, handle);
    return name;
  }

  #handle(name: Buffer): Handle {
    const handle = name.length === 4 ? this.#handles.get(name.readUInt32BE()) : undefined;
    if (handle === undefined) throw new Refusal(status.failure, "there is no such handle");
    return handle;
  }

  #sizeOf(name: Buffer): Attributes {
    const handle = this.#handle(name);
    if (handle.type === "list") return wireAttributes({ mode: 0o040755 });
    return wireAttributes({ mode: 0o100644, size: handle.type === "read" ? handle.data.length : handle.size });
  }
}

/** A file that is changed in the middle cannot be shown to anybody as a whole. */
function inTheMiddle(): Refusal {
  return new Refusal(status.unsupported, "a file can be replaced or appended to, not changed in the middle");
}

function refusalOf({ state, failure, requestId }: Ended): Refusal {
  const text = `${failure?.message ?? state}${requestId === "" ? "" : ` (${requestId})`}`;
  if (failure?.code === "target_error")
    return new Refusal(text.includes("SSH_FX_NO_SUCH_FILE") ? status.noSuchFile : status.failure, text);
  const refused = state === "denied" || state === "expired" || state === "revoked" || failure?.code === "invalid_operation";
  return new Refusal(refused ? status.permissionDenied : status.failure, text);
}

/** Without what only the guard needs to know. */
function asForTarget(operation: Operation): Operation {
  if (operation.kind !== "ssh.file") throw new TypeError("another kind of operation came back");
  const { connection, ...rest } = operation;
  return rest;
}

/** What a client sends of attributes; those that SFTP sets in pairs come in pairs. */
function givenAttributes({ size, uid, gid, mode, atime, mtime }: Partial<Attributes>): FileAttributes {
  return {
    ...(size !== undefined && { size }),
    ...(uid !== undefined && gid !== undefined && { uid, gid }),
    ...(mode !== undefined && { mode }),
    ...(atime !== undefined && mtime !== undefined && { accessed: atime, modified: mtime }),
  };
}

function wireAttributes({ size = 0, uid = 0, gid = 0, mode = 0, accessed = 0, modified = 0 }: FileAttributes): Attributes {
  return { size, uid, gid, mode, atime: accessed, mtime: modified };
}

/** A line as of `ls -l`, which clients show to people (§7). */
function longName(name: string, { mode = 0, size = 0, uid = 0, gid = 0, modified = 0 }: FileAttributes): string {
  const kind = (mode & 0o170000) === 0o040000 ? "d" : (mode & 0o170000) === 0o120000 ? "l" : "-";
  const bits = [...(mode & 0o777).toString(2).padStart(9, "0")]
    .map((bit, index) => (bit === "1" ? "rwx"[index % 3] : "-"))
    .join("");
  return `${kind}${bits} 1 ${uid} ${gid} ${String(size).padStart(10)} ${new Date(1000 * modified).toISOString().slice(0, 16)} ${name}`;
}
