import { once } from "node:events";
import type { Socket } from "node:net";
import type { Principal } from "@countersign/policy";
import type { NativeHost } from "../../../native/listener.ts";
import { goesBy } from "../../../spent-buffers.ts";
import type { Lent, LentHandler, ParameterStatuses } from "../lent.ts";
import { type Admission, admit, type Targets } from "./admission.ts";
import type { CancelKeys } from "./cancel-keys.ts";
import type { ClientGate, OpenClientGate } from "./client-gate.ts";
import type { ClientLimits } from "./client-limits.ts";
import type { Handshakes } from "./handshakes.ts";
import { LoginAttempt } from "./login-attempt.ts";
import {
  authenticationOk,
  backendKeyData,
  fatal,
  negotiateProtocolVersion,
  newestMinor,
  parameterStatus,
  readyForQuery,
} from "./messages.ts";
import { openingOf } from "./opening.ts";
import { type ProofOptions, prove } from "./proof.ts";
import { internalRefusal, refusalOf } from "./refusal-of.ts";
import { SocketSide } from "./socket-side.ts";
import { parseStartUp, type StartUpParameters } from "./start-up-parameters.ts";
import { ClientGone } from "./start-up-reader.ts";
import { StartUpRefusal } from "./start-up-refusal.ts";

/** What every connection of a listener is made with. */
export interface ConnectionParts {
  readonly host: Pick<NativeHost, "guard" | "random" | "failedLogins" | "onInternalError">;
  /** The listener's name in records. */
  readonly listener: string;
  readonly targets: Targets;
  readonly limits: ClientLimits;
  readonly keys: CancelKeys;
  readonly proof: ProofOptions;
  /** Absent = no TLS; present = TLS only. */
  readonly handshakes: Handshakes | undefined;
  readonly openGate: OpenClientGate;
  /** How long a client may take from its first byte to ReadyForQuery, milliseconds. */
  readonly startUpMs: number;
}

/** Of a client that the sidecar's own end keeps out (admin_shutdown). */
const shuttingDown = "57P01";

/** Whom a client is, what it wants and how it is greeted. */
interface Admitted {
  readonly socket: Socket;
  readonly minor: number;
  readonly principal: Principal;
  readonly parameters: StartUpParameters;
  readonly admission: Admission;
  readonly statuses: ParameterStatuses;
}

/** One client: start-up, then its gate has it. */
export class ClientConnection {
  readonly #parts: ConnectionParts;
  readonly #ending = new AbortController();
  readonly #attempt: LoginAttempt;
  /** The stream that the client reads: TLS, as soon as there is TLS. */
  #socket: Socket;
  #gate: ClientGate | undefined;

  constructor(socket: Socket, parts: ConnectionParts) {
    this.#parts = parts;
    this.#socket = socket;
    this.#attempt = new LoginAttempt(parts.listener, socket);
    // A broken connection closes; nobody has to hear more of it.
    socket.on("error", () => {});
  }

  /** Lets the client in, or tells it why not. Never rejects. */
  async start(): Promise<void> {
    const slow = new StartUpRefusal("57014", "canceling authentication due to timeout");
    const timer = setTimeout(() => this.#ending.abort(slow), this.#parts.startUpMs);
    try {
      using place = new DisposableStack();
      const admitted = await this.#admit(place);
      if (admitted) this.#open(admitted, place.move());
    } catch (error) {
      this.#refuse(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The sidecar stops: whoever is not in yet is told so, the others when nothing runs any more. */
  async drain(): Promise<void> {
    this.#ending.abort(new StartUpRefusal(shuttingDown, "terminating connection due to administrator command"));
    await this.#gate?.drain();
    // What was said last has to get through.
    if (!this.#socket.destroyed) await once(this.#socket, "close");
  }

  /** Closes without a word. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** @param place what the connection takes up, given back when it is left. */
  async #admit(place: DisposableStack): Promise<Admitted | undefined> {
    const { handshakes, keys, proof, limits, targets } = this.#parts;
    const { signal } = this.#ending;
    const stranger = place.use(limits.enter());
    const { socket, reader, packet } = await openingOf(this.#socket, handshakes, signal, (secured) => this.#use(secured));
    if (packet.type === "cancel") {
      keys.cancel(packet.processId, packet.secret);
      this.#end();
      return undefined;
    }
    const { user = "", database = user } = Object.fromEntries(packet.parameters);
    this.#attempt.claims({ user, database });
    const parameters = parseStartUp(packet.parameters);
    const minor = Math.min(packet.minor, newestMinor);
    if (minor < packet.minor || parameters.unknownExtensions.length > 0)
      socket.write(negotiateProtocolVersion(minor, parameters.unknownExtensions));
    const principal = await prove(socket, reader, proof, this.#attempt);
    this.#attempt.is(principal);
    place.use(limits.admit(principal));
    stranger[Symbol.dispose]();
    const admission = admit(targets, parameters);
    const statuses = await admission.lending.greeting(parameters.settings, signal);
    if (socket.destroyed) throw new ClientGone();
    return { socket, minor, principal, parameters, admission, statuses };
  }

  #open({ socket, minor, principal, parameters, admission, statuses }: Admitted, place: DisposableStack): void {
    const { host, keys, openGate } = this.#parts;
    const { resource, role, lending, holdInTransaction } = admission;
    const { application_name: session = "", ...settings } = parameters.settings;
    const connection = host.random(18).toString("base64url");
    const client = new SocketSide(socket);
    const borrower = JSON.stringify([principal.issuer, principal.subject]);
    const key = place.use(keys.enter(minor, () => gate.cancel()));
    let told = statuses;
    const gate = openGate({
      ...{ client, connection, settings, statuses, holdInTransaction },
      native: (own) => host.guard.native({ connection, principal, resource, role, session, reason: parameters.reason }, own),
      upstream: async (handler: LentHandler, signal: AbortSignal): Promise<Lent> => {
        const lent = await lending.lend({ borrower, settings: parameters.settings }, handler, signal);
        client.write(changesOf(told, lent.statuses));
        told = lent.statuses;
        return lent;
      },
      protocol: { major: 3, minor },
    });
    this.#gate = gate;
    socket.once("close", () => {
      place.dispose();
      gate.gone();
    });
    const reported = changesOf(new Map(), statuses);
    client.write([authenticationOk, ...reported, backendKeyData(key.processId, key.secret), readyForQuery]);
    socket.on("drain", () => gate.drained());
    socket.on("data", (chunk: Buffer) => {
      // A load of data (COPY) leaves as many buffers behind as a long result.
      goesBy(chunk.length);
      gate.receive(chunk);
    });
    socket.resume();
  }

  /** From here on the client reads what comes out of TLS. */
  #use(secured: Socket): void {
    this.#socket = secured;
    secured.on("error", () => {});
  }

  #refuse(error: unknown): void {
    const { signal } = this.#ending;
    const why = signal.aborted ? signal.reason : error;
    if (why instanceof ClientGone) {
      this.destroy();
      return;
    }
    const { host } = this.#parts;
    const refusal = refusalOf(why) ?? internalRefusal;
    if (refusal === internalRefusal) host.onInternalError(why);
    if (refusal.sqlState !== shuttingDown) host.failedLogins.note(this.#attempt.refused(refusal.message));
    this.#end(fatal(refusal));
  }

  #end(last?: Buffer): void {
    new SocketSide(this.#socket).end(last);
  }
}

/** ParameterStatus of what is reported differently from what was told. */
function changesOf(told: ParameterStatuses, now: ParameterStatuses): readonly Buffer[] {
  return [...now].filter(([name, value]) => told.get(name) !== value).map(([name, value]) => parameterStatus(name, value));
}
