import type { Socket } from "node:net";
import { CountersignError, type Principal } from "@countersign/policy";
import type { NativeHost } from "../../../native/listener.ts";
import type { NativeGate } from "../../../native/native-gate.ts";
import type { OwnConnection } from "../../../native/own-connection.ts";

/** For whom a gate is. A connection may carry requests of several tokens, and of several resources: each has its own. */
export interface GateTerms {
  readonly principal: Principal;
  readonly resource: string;
  /** The client's words with this request; rules may ask for them. */
  readonly reason: string;
}

type Accept = (resource: string) => NonNullable<OwnConnection["accept"]>;

/** Gates that a connection keeps, besides those at work: clients go back and forth between a few tokens at most. */
const mostIdle = 4;

/** Those of one connection. */
interface Gates {
  readonly byName: Map<string, OpenGate>;
  /** The one that was used last: mostly there is no other. */
  last: OpenGate | undefined;
}

/** The gates of clients' connections. */
export class ConnectionGates {
  readonly #host: Pick<NativeHost, "guard" | "random">;
  readonly #accept: Accept;
  readonly #connections = new WeakMap<Socket, Gates>();

  /** @param accept refuses what is streamed to a resource, see `OwnConnection`. */
  constructor(host: Pick<NativeHost, "guard" | "random">, accept: Accept) {
    this.#host = host;
    this.#accept = accept;
  }

  /**
   * The gate of a request; undefined when its caller or its resource is locked.
   *
   * @throws {CountersignError} `unknown_resource`.
   */
  of(socket: Socket, terms: GateTerms): OpenGate | undefined {
    const gates = this.#gatesOf(socket);
    if (gates.last?.serves(terms)) return gates.last;
    const name = `${nameOf(terms.principal)} ${terms.resource} ${terms.reason}`;
    const known = gates.byName.get(name);
    const gate = known ?? this.#open(terms);
    if (gate === undefined) return undefined;
    // The one that was used last stands last.
    gates.byName.delete(name);
    gates.byName.set(name, gate);
    gates.last = gate;
    if (known === undefined && gates.byName.size > mostIdle) leaveOldest(gates.byName);
    return gate;
  }

  #open(terms: GateTerms): OpenGate | undefined {
    try {
      return new OpenGate(this.#host, terms, this.#accept(terms.resource));
    } catch (error) {
      if (error instanceof CountersignError && error.code === "revoked") return undefined;
      throw error;
    }
  }

  #gatesOf(socket: Socket): Gates {
    const known = this.#connections.get(socket);
    if (known !== undefined) return known;
    const gates: Gates = { byName: new Map(), last: undefined };
    this.#connections.set(socket, gates);
    socket.once("close", () => {
      for (const gate of gates.byName.values()) gate.leave();
      gates.byName.clear();
    });
    return gates;
  }
}

/** The gate of one caller on one connection, and its requests that are under way. */
export class OpenGate {
  /** Names it in operations; unguessable. */
  readonly id: string;
  readonly native: NativeGate;
  readonly #terms: GateTerms;
  /** Few, as each is a request of one connection: a set that is filled and emptied for each would leave more behind. */
  readonly #atWork: RequestAtWork[] = [];
  #isLeft = false;

  constructor(
    { guard, random }: Pick<NativeHost, "guard" | "random">,
    terms: GateTerms,
    accept: NonNullable<OwnConnection["accept"]>,
  ) {
    this.#terms = terms;
    this.id = random(18).toString("base64url");
    const own: OwnConnection = {
      // Masks are the connector's work, whoever asks.
      ...{ masks: true, accept },
      dispatch: () => {
        throw new CountersignError("cancelled", "What is streamed runs at once or not at all; nothing ran.");
      },
      cut: (reason) => {
        for (const work of [...this.#atWork]) work.cut(reason);
      },
    };
    this.native = guard.native({ ...terms, connection: this.id, role: undefined, session: "", counted: true }, own);
  }

  /** Whether it is plainly for the same: a caller that was read anew may be the same too, and is found by name. */
  serves({ principal, resource, reason }: GateTerms): boolean {
    const own = this.#terms;
    return own.principal === principal && own.resource === resource && own.reason === reason;
  }

  /** A request begins; disposing ends it. */
  begin(): RequestAtWork {
    const work = new RequestAtWork(this);
    this.#atWork.push(work);
    return work;
  }

  /** A request has ended. */
  ended(work: RequestAtWork): void {
    const at = this.#atWork.indexOf(work);
    if (at >= 0) this.#atWork.splice(at, 1);
    if (this.#isLeft) this.leave();
  }

  /** No more requests come: it is let go of with the last that is under way. */
  leave(): void {
    this.#isLeft = true;
    if (this.#atWork.length === 0) this.native[Symbol.dispose]();
  }
}

/** A request that is on its way to the target, as far as it may have to be stopped. */
export class RequestAtWork implements Disposable {
  readonly #stop = new AbortController();
  readonly #gate: Pick<OpenGate, "ended">;
  #cutBy: string | undefined;

  constructor(gate: Pick<OpenGate, "ended">) {
    this.#gate = gate;
  }

  /** Aborted when its client leaves or it is cut. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Why it was cut, if it was. */
  get cutBy(): string | undefined {
    return this.#cutBy;
  }

  /** It was revoked, or the sidecar stops. */
  cut(reason: string): void {
    this.#cutBy ??= reason;
    this.#stop.abort(reason);
  }

  /** Its client has gone. */
  leave(): void {
    this.#stop.abort("The client left.");
  }

  [Symbol.dispose](): void {
    this.#gate.ended(this);
  }
}

function leaveOldest(gates: Map<string, OpenGate>): void {
  const [oldest] = gates;
  if (oldest === undefined) return;
  gates.delete(oldest[0]);
  oldest[1].leave();
}

const names = new WeakMap<Principal, string>();

/** All that is known of a caller: a token with other claims is another caller to rules. */
function nameOf(principal: Principal): string {
  let name = names.get(principal);
  if (name === undefined) {
    name = JSON.stringify(principal);
    names.set(principal, name);
  }
  return name;
}
