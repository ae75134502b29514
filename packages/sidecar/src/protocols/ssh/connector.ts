import { performance } from "node:perf_hooks";
import {
  CountersignError,
  type Facts,
  type Json,
  type Limits,
  type Operation,
  type Outcome,
  type SshExec,
  type SshFile,
  type TargetIdentity,
} from "@countersign/policy";
import type { Connector, Dispatch, DispatchOptions } from "../connector.ts";
import { formatAddress, parseAddress, type SshAddress } from "./address.ts";
import { type ClientStreams, CommandDispatch, type DispatchParts } from "./command-dispatch.ts";
import { unknownFailure } from "./failure.ts";
import { FileDispatch } from "./file-dispatch.ts";
import { type HostTrust, hostTrust, trustText } from "./host-trust.ts";
import { type Login, type LoginContext, openLogin } from "./login.ts";
import { Pool } from "./pool.ts";
import type { SshResource } from "./resource.ts";
import { Route } from "./route.ts";
import { SessionDispatch, type TerminalStreams } from "./session-dispatch.ts";

/** What a connector needs besides its configuration. */
export interface SshConnectorOptions extends LoginContext {
  /** Monotonic milliseconds; default `performance.now`. */
  readonly now?: () => number;
}

/** Opens the way to one SSH resource. Nothing is connected before it is needed. */
export function openSshConnector(resource: SshResource, options: SshConnectorOptions): Connector {
  return new SshConnector(resource, options);
}

interface Role {
  readonly login: Login;
  readonly pool: Pool;
}

/** What an unmodified client's session has of a resource besides what every connector gives. */
export interface SshTarget extends Connector {
  readonly roles: readonly string[];
  /**
   * Refuses a command that is none: as a certificate's forced command sshd would serve files instead of running it (session.c, IS_INTERNAL_SFTP).
   *
   * @throws {CountersignError} `invalid_operation`.
   */
  acceptCommand(command: string): void;
  /** Runs a command with the client's own streams. */
  relay(operation: SshExec, role: string, limits: Limits, options: DispatchOptions, client?: ClientStreams): Dispatch;
  /** Runs the user's shell in the client's terminal. */
  session(role: string, limits: Limits, options: DispatchOptions, client: TerminalStreams): Dispatch;
}

/** Whether it is an SSH resource's. */
export function isSshTarget(connector: Connector): connector is SshTarget {
  return connector instanceof SshConnector;
}

class SshConnector implements SshTarget {
  readonly #name: string;
  readonly #identity: TargetIdentity;
  readonly #roles: ReadonlyMap<string, Role>;
  readonly #route: Route;
  readonly #now: () => number;

  constructor(resource: SshResource, options: SshConnectorOptions) {
    const { name, connections, jump } = resource;
    const address = parseAddress(resource.address);
    const trust = hostTrust(resource.hostName ?? address.host, resource.hostKeys, resource.hostAuthorities);
    this.#name = name;
    this.#now = options.now ?? (() => performance.now());
    const hops = jump.map((hop) => {
      const at = parseAddress(hop.address);
      const where = `the jump host ${formatAddress(at)} of ${name}`;
      const login = openLogin(hop.login, `countersign ${name} jump`, options);
      return { where, address: at, trust: hostTrust(hop.hostName ?? at.host, hop.hostKeys, hop.hostAuthorities), login };
    });
    this.#route = new Route(hops, { ...connections, wallMs: options.wallMs });
    this.#identity = {
      type: "ssh",
      address: formatAddress(address),
      hostKey: trustText(trust),
      ...(hops.length > 0 && {
        jump: hops.map((hop) => `${hop.login.user}@${formatAddress(hop.address)} ${trustText(hop.trust)}`).join(" → "),
      }),
    };
    this.#roles = new Map(
      Object.entries(resource.roles).map(([role, config]) => {
        const login = openLogin(config, `countersign ${name} ${role}`, options);
        return [role, { login, pool: this.#pool(role, login, resource, address, trust) }];
      }),
    );
  }

  target(role: string): TargetIdentity {
    const { user, credential, principals } = this.#role(role).login;
    return { ...this.#identity, user, credential, ...(principals && { principals: principals.join(", ") }) };
  }

  accept(operation: Operation, _facts: Facts): void {
    const { kind, ...asked } = asOwn(operation);
    if (asked.streamed === true || asked.connection !== undefined) {
      throw new CountersignError(
        "invalid_operation",
        "What a client streams runs on its own connection only; send the input with the call.",
      );
    }
    if (kind === "ssh.exec" && "command" in asked) this.acceptCommand(asked.command);
  }

  acceptCommand(command: string): void {
    if (!/^internal-sftp(?:[ \t]|$)/.test(command)) return;
    throw new CountersignError("invalid_operation", "internal-sftp is no command; ask for a file operation.");
  }

  dispatch(operation: Operation, role: string, limits: Limits, options: DispatchOptions): Dispatch {
    const own = asOwn(operation);
    return own.kind === "ssh.exec" ? this.relay(own, role, limits, options) : this.#file(own, role, limits, options);
  }

  relay(operation: SshExec, role: string, limits: Limits, options: DispatchOptions, client?: ClientStreams): Dispatch {
    return new CommandDispatch(operation, this.#partsOf(role, limits, options), client);
  }

  session(role: string, limits: Limits, options: DispatchOptions, client: TerminalStreams): Dispatch {
    return new SessionDispatch(this.#partsOf(role, limits, options), client, options.record);
  }

  #file(operation: SshFile, role: string, limits: Limits, options: DispatchOptions): Dispatch {
    return new FileDispatch(operation, this.#partsOf(role, limits, options));
  }

  get roles(): readonly string[] {
    return [...this.#roles.keys()];
  }

  /** An SSH server keeps no account of what it ran, so that it can never tell. */
  async resolve(_marker: Json, _role: string): Promise<Outcome> {
    const failure = unknownFailure(
      "The sidecar stopped while the target was at work, and an SSH server cannot tell what became of it.",
    );
    return { state: "unknown", failure, rows: 0, bytes: 0, durationMs: 0 };
  }

  async close(): Promise<void> {
    for (const { pool } of this.#roles.values()) pool.close();
    this.#route.close();
  }

  #partsOf(role: string, limits: Limits, { signal, readOnly }: DispatchOptions): DispatchParts {
    const { login, pool } = this.#role(role);
    return { readOnly, limits, signal, login, acquire: (until) => pool.acquire(until), now: this.#now };
  }

  #pool(role: string, login: Login, { connections, name }: SshResource, address: SshAddress, trust: HostTrust): Pool {
    const isReused = !login.isForOneCommand;
    const open = async (signal: AbortSignal) => {
      const transport = await this.#route.open({ where: name, address, trust, user: login.user }, signal);
      try {
        await login.logInAhead(transport);
        return transport;
      } catch (error) {
        transport.destroy();
        throw error;
      }
    };
    return new Pool(`${name}, role ${role}`, { ...connections, isReused }, open, this.#now);
  }

  #role(role: string): Role {
    const found = this.#roles.get(role);
    if (!found) throw new CountersignError("internal", `${this.#name} has no role ${JSON.stringify(role)}.`);
    return found;
  }
}

/** @throws {CountersignError} `invalid_operation` for what is no command and no file operation. */
function asOwn(operation: Operation): SshExec | SshFile {
  if (operation.kind === "ssh.exec" || operation.kind === "ssh.file") return operation;
  const what =
    operation.kind === "ssh.subsystem" ? `the subsystem ${operation.subsystem}; ask for a file operation` : `${operation.kind}`;
  throw new CountersignError("invalid_operation", `The resource is an SSH server; it takes no ${what}.`);
}
