import { bodyBytes, type FileAttributes, type SshFile, type SshFileAction } from "@countersign/policy";
import type { Attributes, InputAttributes, SFTPWrapper, Stats } from "ssh2";
import type { Output } from "./output.ts";

/** What a file operation works with. */
interface FileWork {
  readonly output: Output;
  /** Whether somebody wants it to end. */
  readonly isStopped: () => boolean;
}

interface FileActionRow {
  /** The kinds of request that it sends, as sshd's `internal-sftp -p` names them. */
  readonly requests: readonly string[];
  /** Whether it may change anything. */
  readonly writes: boolean;
  /** Rejects with SFTP's status when the server refuses. What it gives besides a file's bytes is a line of JSON for each thing. */
  readonly run: (sftp: SFTPWrapper, operation: SshFile, work: FileWork) => Promise<void>;
}

/** How each file operation is done. */
export const fileActions = {
  read: { requests: ["open", "read", "close"], writes: false, run: read },
  write: {
    requests: ["open", "write", "fsetstat", "close"],
    writes: true,
    run: (sftp, operation) => write(sftp, operation, "w"),
  },
  append: {
    requests: ["open", "write", "fsetstat", "close"],
    writes: true,
    run: (sftp, operation) => write(sftp, operation, "a"),
  },
  list: { requests: ["opendir", "readdir", "close"], writes: false, run: list },
  stat: {
    requests: ["stat"],
    writes: false,
    run: async (sftp, { path }, work) => line(work, attributesOf(await asked<Stats>((done) => sftp.stat(path, done)))),
  },
  "set-attributes": {
    requests: ["setstat"],
    writes: true,
    run: (sftp, { path, attributes = {} }) => told((done) => sftp.setstat(path, sftpAttributes(attributes), done)),
  },
  "make-directory": {
    requests: ["mkdir"],
    writes: true,
    run: (sftp, { path, attributes = {} }) => told((done) => sftp.mkdir(path, sftpAttributes(attributes), done)),
  },
  remove: { requests: ["remove"], writes: true, run: (sftp, { path }) => told((done) => sftp.unlink(path, done)) },
  "remove-directory": { requests: ["rmdir"], writes: true, run: (sftp, { path }) => told((done) => sftp.rmdir(path, done)) },
  rename: { requests: ["rename"], writes: true, run: (sftp, { path, to = "" }) => told((done) => sftp.rename(path, to, done)) },
  link: {
    requests: ["hardlink"],
    writes: true,
    run: (sftp, { path, to = "" }) => told((done) => sftp.ext_openssh_hardlink(path, to, done)),
  },
  symlink: {
    requests: ["symlink"],
    writes: true,
    run: (sftp, { path, to = "" }) => told((done) => sftp.symlink(to, path, done)),
  },
  "read-link": {
    requests: ["readlink"],
    writes: false,
    run: async (sftp, { path }, work) => line(work, { path: await asked<string>((done) => sftp.readlink(path, done)) }),
  },
  "real-path": {
    requests: ["realpath"],
    writes: false,
    run: async (sftp, { path }, work) => line(work, { path: await asked<string>((done) => sftp.realpath(path, done)) }),
  },
} as const satisfies Record<SshFileAction, FileActionRow>;

type Done<Result> = (error: Error | undefined, result: Result) => void;

/** What every server takes in one piece (draft-ietf-secsh-filexfer-02 §3). */
const pieceBytes = 32 * 1024;
/** Pieces that are asked for before the first has come. */
const ahead = 8;

async function read(sftp: SFTPWrapper, { path }: SshFile, { output, isStopped }: FileWork): Promise<void> {
  const handle = await asked<Buffer>((done) => sftp.open(path, "r", done));
  const piece = (at: number): Promise<Buffer> => {
    const buffer = Buffer.allocUnsafe(pieceBytes);
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    sftp.read(handle, buffer, 0, pieceBytes, at, (error, length) => {
      if (error === undefined || error === null) resolve(buffer.subarray(0, length));
      else if (isEnd(error)) resolve(buffer.subarray(0, 0));
      else reject(error);
    });
    promise.catch(() => {});
    return promise;
  };
  let at = 0;
  let asking = Array.from({ length: ahead }, (_, index) => piece(index * pieceBytes));
  try {
    while (!isStopped()) {
      const data = await (asking.shift() ?? piece(at));
      if (data.length === 0) return;
      at += data.length;
      // After a short piece (the end, or a server that gives less) those that were asked for ahead do not follow on.
      if (data.length < pieceBytes) asking = [];
      else asking.push(piece(at + asking.length * pieceBytes));
      if (!output.give(data, "stdout")) await output.drained();
    }
  } finally {
    await Promise.allSettled(asking);
    await told((done) => sftp.close(handle, done));
  }
}

async function write(sftp: SFTPWrapper, { path, content, attributes = {} }: SshFile, flags: "w" | "a"): Promise<void> {
  const bytes = content === undefined ? Buffer.alloc(0) : bodyBytes(content);
  const handle = await asked<Buffer>((done) => sftp.open(path, flags, sftpAttributes(attributes), done));
  try {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const piece = bytes.subarray(at, at + pieceBytes);
      await told((done) => sftp.write(handle, piece, 0, piece.length, at, done));
    }
    // Those given when it was opened are for a file that was not there before.
    if (Object.keys(attributes).length > 0) await told((done) => sftp.fsetstat(handle, sftpAttributes(attributes), done));
  } finally {
    await told((done) => sftp.close(handle, done));
  }
}

async function list(sftp: SFTPWrapper, { path }: SshFile, work: FileWork): Promise<void> {
  const handle = await asked<Buffer>((done) => sftp.opendir(path, done));
  try {
    while (!work.isStopped()) {
      const { promise, resolve, reject } = Promise.withResolvers<readonly { filename: string; attrs: Attributes }[]>();
      sftp.readdir(handle, (error, entries) => (error && !isEnd(error) ? reject(error) : resolve(entries ?? [])));
      const entries = await promise;
      if (entries.length === 0) return;
      for (const { filename, attrs } of entries) {
        if (filename !== "." && filename !== "..") line(work, { name: filename, ...attributesOf(attrs) });
      }
      await work.output.drained();
    }
  } finally {
    await told((done) => sftp.close(handle, done));
  }
}

function line({ output }: FileWork, value: object): void {
  output.give(Buffer.from(`${JSON.stringify(value)}\n`), "stdout");
}

function attributesOf({ size, uid, gid, mode, atime, mtime }: Attributes): FileAttributes {
  return { size, uid, gid, mode, accessed: atime, modified: mtime };
}

function sftpAttributes({ size, uid, gid, mode, accessed, modified }: FileAttributes): InputAttributes {
  return {
    ...(size !== undefined && { size }),
    ...(uid !== undefined && gid !== undefined && { uid, gid }),
    ...(mode !== undefined && { mode }),
    ...(accessed !== undefined && modified !== undefined && { atime: accessed, mtime: modified }),
  };
}

/** SSH_FX_EOF. */
function isEnd(error: Error): boolean {
  return "code" in error && error.code === 1;
}

function asked<Result>(ask: (done: Done<Result>) => void): Promise<Result> {
  const { promise, resolve, reject } = Promise.withResolvers<Result>();
  ask((error, result) => (error ? reject(error) : resolve(result)));
  return promise;
}

function told(ask: (done: (error?: Error | null) => void) => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  ask((error) => (error ? reject(error) : resolve()));
  return promise;
}
