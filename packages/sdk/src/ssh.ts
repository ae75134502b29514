import { commandLine, type FileAttributes } from "@countersign/policy/operation";
import type { Asking, Content, SshExecAction, SshFileAction } from "./action.ts";
import type { Opening } from "./connection.ts";
import { CountersignError } from "./errors.ts";
import { toSubmit } from "./operation.ts";
import type { CallSettings } from "./postgres.ts";
import { PullStream } from "./pull-stream.ts";
import { type OutputPart, SshOutput, type SshSummary } from "./ssh-output.ts";
import { follow, type Waiting } from "./waiting.ts";

/** What goes with a file operation. */
export interface FileOptions extends Asking, Waiting {}

/** What goes with a command. */
export interface ExecOptions extends FileOptions {
  /** All that it reads from its standard input; absent = nothing. It is part of what is approved. */
  stdin?: Content | undefined;
  /** Variables that are set for it, as part of its command line. */
  env?: Readonly<Record<string, string>> | undefined;
}

/** How a command ended, and what it wrote. */
export interface ExecResult extends SshSummary {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

/** One name in a folder. */
export interface FileEntry extends FileAttributes {
  readonly name: string;
}

/** An SSH resource. */
export class SshResource {
  /** The resource's configured name. */
  readonly name: string;
  readonly #settings: CallSettings;

  constructor(name: string, settings: CallSettings) {
    this.name = name;
    this.#settings = settings;
  }

  /**
   * Runs one command and gives its whole output, waiting for people where policy wants one. A code other than 0 is a result, no error.
   *
   * @param command a line for the login shell, or a program with its arguments, which reach it exactly as they are.
   * @throws {CountersignError} `denied`, `expired`, `cancelled`, `revoked`: it did not run. `limit_exceeded`: it was stopped. `unknown_outcome`,
   * `target_lost`, `result_gone`, `sidecar_unreachable` that is not `retryable`: it may have run.
   */
  async exec(command: string | readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const { parts, summary } = await this.#whole(this.#execution(command, options), options);
    const of = (stream: OutputPart["stream"]) =>
      Buffer.concat(parts.flatMap((part) => (part.stream === stream ? [part.data] : [])));
    return { ...summary, stdout: of("stdout"), stderr: of("stderr") };
  }

  /**
   * Runs one command and gives its output as it comes, never more in memory than a few parts. The call starts with the first part asked for;
   * leaving the loop early stops a command that only reads. Throws as {@link exec}.
   */
  stream(command: string | readonly string[], options: ExecOptions = {}): OutputParts {
    return this.#follow(this.#execution(command, options), options);
  }

  /** The content of a file. Throws as {@link exec}; `target_error` with SFTP's status as `targetCode`. */
  async readFile(path: string, options: FileOptions = {}): Promise<Buffer> {
    const { parts } = await this.#whole(this.#file({ action: "read", path }), options);
    return Buffer.concat(parts.map(({ data }) => data));
  }

  /** Replaces the content of a file, which is part of what is approved, or makes the file. Throws as {@link readFile}. */
  async writeFile(
    path: string,
    content: Content,
    options: FileOptions & { attributes?: FileAttributes } = {},
  ): Promise<SshSummary> {
    const { attributes } = options;
    const { summary } = await this.#whole(
      this.#file({ action: "write", path, content, ...(attributes && { attributes }) }),
      options,
    );
    return summary;
  }

  /** What is in a folder, but for `.` and `..`. Throws as {@link readFile}. */
  async list(path: string, options: FileOptions = {}): Promise<readonly FileEntry[]> {
    const { parts } = await this.#whole(this.#file({ action: "list", path }), options);
    const lines = Buffer.concat(parts.map(({ data }) => data))
      .toString()
      .split("\n");
    // Made by the sidecar: a line of JSON for each.
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as FileEntry);
  }

  #execution(command: string | readonly string[], { stdin, env }: ExecOptions): SshExecAction {
    return { kind: "ssh.exec", resource: this.name, command: withVariables(command, env), ...(stdin !== undefined && { stdin }) };
  }

  #file(action: Omit<SshFileAction, "kind" | "resource">): SshFileAction {
    return { kind: "ssh.file", resource: this.name, ...action };
  }

  async #whole(action: SshExecAction | SshFileAction, options: FileOptions) {
    const stream = this.#follow(action, options);
    const parts: OutputPart[] = [];
    for await (const part of stream) parts.push(part);
    if (stream.summary === undefined) throw new TypeError("an outcome without a summary");
    return { parts, summary: stream.summary };
  }

  #follow(action: SshExecAction | SshFileAction, options: FileOptions): OutputParts {
    const { session, defaults } = this.#settings;
    const asking = { ...options, reason: options.reason ?? defaults.reason ?? "" };
    const opening = { type: "execute", submit: toSubmit(action, asking, session) } as const;
    return new OutputParts(this.#settings, opening, { ...options, timeout: options.timeout ?? defaults.timeout });
  }
}

/** A command's output, one part after the other. */
export class OutputParts extends PullStream<OutputPart> {
  #summary: SshSummary | undefined;

  constructor({ connection }: Pick<CallSettings, "connection">, opening: Opening, waiting: Waiting) {
    const output = new SshOutput();
    super((stream) =>
      follow(connection, opening, waiting, {
        event: (event) => {
          const part = output.take(event);
          if (part !== undefined) stream.push(() => [part]);
          if (event.event?.$case !== "done") return;
          this.#summary = output.summary(event.event.value, event.requestId);
          const error = output.failure(event.event.value, event.requestId);
          stream.end(error && { error });
        },
        failed: (error) => stream.end({ error }),
      }),
    );
  }

  /** How it ended; there once the last part was given. */
  get summary(): SshSummary | undefined {
    return this.#summary;
  }
}

/** Variables as the shell sets them: before one program for it alone, before a line for all of it. */
function withVariables(
  command: string | readonly string[],
  env: Readonly<Record<string, string>> = {},
): string | readonly string[] {
  const assignments = Object.entries(env).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
      throw new CountersignError("invalid_operation", `${JSON.stringify(name)} is no name of a variable: letters, digits and _.`);
    return `${name}=${commandLine([value])}`;
  });
  if (assignments.length === 0) return command;
  if (typeof command !== "string") return `${assignments.join(" ")} ${commandLine(command)}`;
  return `export ${assignments.join(" ")}; ${command}`;
}
