import { isUtf8 } from "node:buffer";
import { CountersignError, type Principal, terminalSession } from "@countersign/policy";
import type { AuthContext, Connection, PseudoTtyInfo, PseudoTtyOptions, ServerChannel, Session, SFTPWrapper } from "ssh2";
import type { FailedLogin } from "../../../native/failed-logins.ts";
import type { NativeHost } from "../../../native/listener.ts";
import type { OwnConnection } from "../../../native/own-connection.ts";
import { isSshTarget, type SshTarget } from "../connector.ts";
import { ShellSession } from "../shell/shell-session.ts";
import { onRefused, sendAtOnce } from "../ssh2-patched.ts";
import { offered, type ProofOptions, prove, type Unproven } from "./authentication.ts";
import type { CapturePatience } from "./captured-input.ts";
import { CommandSession, type Visitor } from "./command-session.ts";
import { FileSession } from "./file-session.ts";
import { parseLogin } from "./login-name.ts";
import { printable } from "./words.ts";

/** What every connection of a listener is made with. */
export interface ConnectionParts {
  readonly host: NativeHost;
  /** The listener's name in records. */
  readonly listener: string;
  readonly proof: ProofOptions;
  readonly patience: CapturePatience;
  /** Counts a principal's connection; false = it has all that it may have. Disposing forgets it. */
  readonly admit: (principal: Principal) => Disposable | undefined;
  /** Counts its shells; as {@link admit}. */
  readonly admitShell: (principal: Principal) => Disposable | undefined;
  /** After so long without a key a shell ends, milliseconds. */
  readonly shellIdleMs: number;
  /** How long a client may take to log in, milliseconds. */
  readonly logInMs: number;
}

const mostAttempts = 6;
/** Different things are recorded once for each connection: a client that asks again and again cannot fill the log. */
const mostRefusals = 20;
/** Asked by clients for their own sake; the answer is no, and nothing is lost. */
const unremarkable = new Set(["keepalive@openssh.com", "no-more-sessions@openssh.com"]);

/** One SSH client: it logs in as a resource, and everything else it asks for is a session with one command, or refused. */
export class ClientConnection {
  readonly #client: Connection;
  readonly #parts: ConnectionParts;
  readonly #refused = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  readonly #shells = new Set<ShellSession>();
  #who: { readonly principal: Principal; readonly login: string } | undefined;
  #attempts = 0;
  /** A key that the client asked about, and which would not do. Programs offer whatever they have: it counts when nothing else let them in. */
  #offer: { readonly user: string; readonly unproven: Unproven } | undefined;
  readonly #from: string;

  /** @param from its address and port. */
  constructor(client: Connection, from: string, parts: ConnectionParts) {
    this.#client = client;
    this.#from = from;
    this.#parts = parts;
    client.on("error", () => {});
    sendAtOnce(client);
    const timer = setTimeout(() => client.end(), parts.logInMs);
    client.once("close", () => {
      clearTimeout(timer);
      if (this.#offer !== undefined && this.#who === undefined) this.#failed(this.#offer.user, this.#offer.unproven);
    });
    client.on("authentication", (context) => void this.#authenticate(context, timer));
    client.on("session", (accept) => this.#session(accept()));
    // Of the patch: everything that nobody listens for.
    onRefused(client, (what, name) => this.#refuse(`${what} ${name}`, name));
  }

  /** Begins nothing more; resolves when nothing runs any more. */
  async drained(): Promise<void> {
    for (const shell of this.#shells) shell.drain();
    while (this.#running.size > 0) await Promise.allSettled([...this.#running]);
  }

  end(): void {
    this.#client.end();
  }

  async #authenticate(context: AuthContext, timer: NodeJS.Timeout): Promise<void> {
    try {
      // The first of all clients asks what there is.
      if (context.method === "none") {
        context.reject([...offered]);
        return;
      }
      if (++this.#attempts > mostAttempts) {
        this.end();
        return;
      }
      const proof = await prove(context, this.#parts.proof);
      if (proof === "query") {
        context.accept();
        return;
      }
      if ("why" in proof) {
        if (proof.tried) this.#failed(context.username, proof);
        else this.#offer = { user: context.username, unproven: proof };
        context.reject([...offered]);
        return;
      }
      const { principal } = proof;
      const place = this.#parts.admit(principal);
      if (place === undefined) {
        this.#failed(context.username, { proof: proofOf(context), claims: {}, why: "too many connections", principal });
        this.end();
        return;
      }
      this.#client.once("close", () => place[Symbol.dispose]());
      clearTimeout(timer);
      this.#who = { principal, login: context.username };
      context.accept();
    } catch (error) {
      this.#parts.host.onInternalError(error);
      context.reject();
    }
  }

  /** Records that it was not let in. */
  #failed(user: string, { claims, ...about }: Pick<FailedLogin, "proof" | "claims" | "why" | "principal">): void {
    const { host, listener } = this.#parts;
    const { proof, why, principal } = about;
    const login = { protocol: "ssh", listener, from: this.#from, claims: { user, ...claims }, proof, why } as const;
    host.failedLogins.note({ ...login, ...(principal && { principal }) });
  }

  #session(session: Session): void {
    let terminal: (PseudoTtyInfo & PseudoTtyOptions) | undefined;
    let command: CommandSession | ShellSession | undefined;
    const runs = (channel: ServerChannel, text: string): void => {
      const visitor = this.#visitor((message) => this.#tell(channel, message));
      if (visitor === undefined) return;
      const asked = new CommandSession(channel, { command: text, terminal }, visitor);
      command = asked;
      this.#track(asked.run());
    };
    const opens = (channel: ServerChannel | undefined, pty: PseudoTtyOptions): void => {
      const visitor = channel && this.#visitor((message) => this.#tell(channel, message));
      if (channel === undefined || visitor === undefined) return;
      const asked = new CommandSession(channel, { session: terminalSession, terminal: pty }, visitor);
      command = asked;
      this.#track(asked.run());
    };
    session.on("pty", (accept, _reject, info) => {
      terminal = info as PseudoTtyInfo & PseudoTtyOptions;
      accept?.();
    });
    session.on("window-change", (accept, _reject, { rows, cols, height, width }) => {
      if (terminal) terminal = { ...terminal, rows, cols, height, width };
      command?.resize(rows, cols, height, width);
      accept?.();
    });
    session.on("signal", (accept, _reject, { name }) => {
      command?.signal(name);
      accept?.();
    });
    session.on("exec", (accept, reject, info) => {
      // Of the patch: bytes, not text.
      const bytes = info.command as unknown as Buffer;
      // Nothing for a session that has a command already (RFC 4254 §6.5).
      const channel: ServerChannel | undefined = accept();
      if (channel === undefined) {
        this.#refuse("a second command on one session", "exec");
        reject?.();
      } else if (isUtf8(bytes)) runs(channel, bytes.toString());
      else this.#tell(channel, "The command line is not UTF-8, so nobody could read what was to be approved.");
    });
    session.on("sftp", (accept, reject) => {
      const sftp: SFTPWrapper | undefined = accept();
      if (sftp === undefined) {
        this.#refuse("a second command on one session", "sftp");
        reject?.();
        return;
      }
      const visitor = this.#visitor(() => sftp.end());
      if (visitor) new FileSession(sftp, visitor);
    });
    session.on("subsystem", (accept, reject, { name }) => {
      if (name === terminalSession && terminal !== undefined) opens(accept(), terminal);
      else {
        this.#refuse("channel-request subsystem", name);
        reject?.();
      }
    });
    session.on("shell", (accept, reject) => {
      const channel: ServerChannel | undefined = accept();
      if (channel === undefined) {
        this.#refuse("a second command on one session", "shell");
        reject?.();
        return;
      }
      const visitor = this.#visitor((message) => this.#tell(channel, message));
      if (visitor === undefined) return;
      const shell = this.#shell(channel, terminal, visitor);
      command = shell;
      const unserved = () => {
        if (terminal !== undefined) return opens(channel, terminal);
        this.#refuse("a shell without a terminal", "shell");
        this.#tell(channel, "Policy permits no guarded shell here: give a command, `ssh RESOURCE COMMAND`.");
      };
      this.#track(shell.run().then((isServed) => (isServed ? undefined : unserved())));
    });
  }

  #shell(channel: ServerChannel, terminal: PseudoTtyOptions | undefined, visitor: Visitor): ShellSession {
    const { admitShell, shellIdleMs } = this.#parts;
    const admit = () => this.#who && admitShell(this.#who.principal);
    const shell = new ShellSession(channel, terminal, { ...visitor, admitShell: admit, idleMs: shellIdleMs });
    this.#shells.add(shell);
    channel.once("close", () => this.#shells.delete(shell));
    return shell;
  }

  /** Finds the target that the login names; without one the client is told. */
  #visitor(tell: (message: string) => void): Visitor | undefined {
    const { host, patience } = this.#parts;
    try {
      const { target, resource, role, principal } = this.#place();
      const native = (connection: string, own: OwnConnection, session = "") =>
        host.guard.native({ connection, principal, resource, role, session, reason: "" }, own);
      return { host, target, name: resource, native, patience };
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      this.#lost(error.message);
      tell(error.message);
      return undefined;
    }
  }

  /** Records, once, that a login leads nowhere. */
  #lost(why: string): void {
    if (this.#who === undefined || this.#refused.has(why)) return;
    this.#refused.add(why);
    const { principal, login } = this.#who;
    this.#failed(login, { proof: "none", claims: {}, why, principal });
  }

  #place(): {
    readonly target: SshTarget;
    readonly resource: string;
    readonly role: string | undefined;
    readonly principal: Principal;
  } {
    if (this.#who === undefined) throw new TypeError("a session before the login");
    const { principal, login } = this.#who;
    const { resource, role } = parseLogin(login);
    const { connector } = this.#parts.host.resources.get(resource);
    if (!isSshTarget(connector)) throw new CountersignError("invalid_request", `${resource} is no SSH resource.`);
    if (role !== undefined && !connector.roles.includes(role))
      throw new CountersignError(
        "invalid_request",
        `${resource} has no role ${JSON.stringify(role)}; it has ${connector.roles.join(", ")}.`,
      );
    return { target: connector, resource, role, principal };
  }

  /** Records what is not served; ssh2, or the caller, has told the client. */
  #refuse(what: string, name: string): void {
    if (unremarkable.has(name) || this.#who === undefined || this.#refused.has(what) || this.#refused.size >= mostRefusals)
      return;
    this.#refused.add(what);
    const { host } = this.#parts;
    const never: OwnConnection = {
      dispatch: () => {
        throw new TypeError("what was refused is dispatched");
      },
      cut: () => {},
    };
    try {
      const { resource, role, principal } = this.#place();
      const caller = { connection: host.random(18).toString("base64url"), principal, resource, role, session: "", reason: "" };
      const gate = host.guard.native(caller, never);
      const operation = { kind: "ssh.subsystem", subsystem: name.slice(0, 200) } as const;
      this.#track(gate.refuse(operation, `Not served: ${what}.`).then(() => gate[Symbol.dispose]()));
    } catch {
      // The resource is none, or locked: the login itself leads nowhere.
    }
  }

  #tell(channel: ServerChannel, message: string): void {
    channel.on("error", () => {});
    channel.stderr.write(`countersign: ${printable(message)}\n`);
    channel.exit(126);
    channel.end();
  }

  #track(work: Promise<void>): void {
    const tracked = work.catch(this.#parts.host.onInternalError).finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
  }
}

function proofOf({ method }: AuthContext): FailedLogin["proof"] {
  return method === "publickey" ? "key" : "token";
}
