import { CountersignError, type Limits, type Operation } from "@countersign/policy";
import type { NativeGate } from "../../../native/native-gate.ts";
import type { OwnConnection } from "../../../native/own-connection.ts";
import type { Held } from "../../../native/verdict.ts";
import type { Dispatch, DispatchOptions } from "../../connector.ts";
import type { ClientGate, OpenClientGate } from "../entry/client-gate.ts";
import { Answers } from "./answers.ts";
import { Backlog, type Queued } from "./backlog.ts";
import { noCall, notInTransaction, tooLarge } from "./complaints.ts";
import { Conversation } from "./conversation.ts";
import { Copying } from "./copying.ts";
import { ExtendedProtocol } from "./extended.ts";
import { ClientFrames, client } from "./frontend.ts";
import { defaultGateBounds, type GateBounds, type GateHost, type GateParts } from "./gate-parts.ts";
import type { CaptureWork, Gatekeeper } from "./gatekeeper.ts";
import { type HeldWork, Holding } from "./holding.ts";
import { Leaving } from "./leaving.ts";
import { actionOf, judged } from "./order.ts";
import { versionOf } from "./server-version.ts";
import { checkSession } from "./session-check.ts";
import { SimpleProtocol } from "./simple.ts";
import { transactionLocks } from "./transaction-locks.ts";
import { WireError } from "./wire-error.ts";

/** Makes the gates of a listener's connections. */
export function clientGates(host: Omit<GateHost, "bounds">, bounds: Partial<GateBounds> = {}): OpenClientGate {
  const { journal, now, onInternalError } = host;
  return (parts) => new Gate({ ...parts, journal, now, onInternalError, bounds: { ...defaultGateBounds, ...bounds } });
}

/** Everything that a client sends after start-up goes through here, message by message. */
class Gate implements ClientGate, OwnConnection, Gatekeeper {
  readonly masks = true;
  readonly locks?: NonNullable<OwnConnection["locks"]>;
  readonly serverVersion: number | undefined;
  readonly #parts: GateParts;
  readonly #native: NativeGate;
  readonly #conversation: Conversation;
  readonly #frames: ClientFrames;
  readonly #simple: SimpleProtocol;
  readonly #extended: ExtendedProtocol;
  readonly #copying: Copying;
  readonly #leaving: Leaving;
  readonly #backlog: Backlog;
  #holding: Holding | undefined;

  constructor(parts: GateParts) {
    this.#parts = parts;
    this.serverVersion = versionOf(parts.statuses);
    this.#native = parts.native(this);
    this.#backlog = new Backlog(parts.client);
    const lost = () => this.#holding?.lose();
    this.#conversation = new Conversation(parts, this.#native, {
      answers: (conversation) => new Answers(conversation),
      resumed: () => this.#resume(),
      lost,
      over: () => this.#over(),
    });
    if (parts.bounds.holdInTransaction === "warn") this.locks = (signal) => transactionLocks(this.#conversation, signal);
    this.#copying = new Copying(this.#conversation);
    this.#leaving = new Leaving(this.#conversation);
    this.#simple = new SimpleProtocol(this.#conversation, this);
    this.#extended = new ExtendedProtocol(this.#conversation, this);
    const { statementBytes, parameterBytes } = parts.bounds;
    // Frames a little above the bound get as far as classification, which refuses and records them.
    const caps = { statement: 2 * statementBytes + 1024, bind: 2 * parameterBytes + 256 * 1024 };
    this.#frames = new ClientFrames(caps, {
      frame: (type, frame) => this.#take({ type, frame, left: 0 }),
      copyData: (frame, left) => this.#take({ type: client.copyData, frame, left }),
      oversized: (type) => this.#take({ type, frame: none, left: -1 }),
    });
  }

  receive(chunk: Buffer): void {
    if (this.#conversation.state === "ended") return;
    try {
      this.#frames.push(chunk);
    } catch (error) {
      this.#disorder(error);
    }
    this.#conversation.turn();
    this.#regulate();
  }

  cancel() {
    if (this.#conversation.state === "ended") return;
    if (this.#conversation.state === "held") return this.#holding?.cancel();
    const { lent } = this.#conversation.outgoing;
    if (lent === undefined || this.#conversation.replies.due === 0) return;
    this.#conversation.afterwards = "end";
    lent.cancel().catch(() => {});
  }

  drained(): void {
    this.#conversation.clientDrained();
  }

  gone() {
    this.#over();
  }

  async drain(): Promise<void> {
    const { state } = this.#conversation;
    if (state === "held") this.#holding?.cancel();
    else if (state === "open" || state === "skipping") await this.#conversation.answeredAll();
    this.#conversation.fatal("57P01", "terminating connection due to administrator command");
  }

  cut(reason: string) {
    this.#conversation.fatal("57P01", `Countersign: ${reason}`);
  }

  dispatch(operation: Operation, _role: string, limits: Limits, options: DispatchOptions): Dispatch {
    if (this.#holding === undefined)
      throw new CountersignError("cancelled", "The client does not wait for it any more; nothing ran.");
    return this.#holding.dispatch(operation, limits, options);
  }

  hold(verdict: Held, work: HeldWork) {
    if (this.#conversation.inTransaction && this.#parts.bounds.holdInTransaction === "refuse")
      return work.refuse(notInTransaction);
    const holding = new Holding(this.#conversation, work);
    this.#holding = holding;
    holding
      .begin(verdict)
      .catch((error: unknown) => this.#parts.onInternalError(error))
      .finally(() => {
        if (this.#holding === holding) this.#holding = undefined;
        this.#resume();
      });
  }

  capture(work: CaptureWork) {
    this.#copying.capture(work);
  }

  /** Takes a message now, or keeps it until its turn comes. */
  #take(message: Queued) {
    if (this.#backlog.isEmpty && !this.#conversation.blocked) return this.#handle(message);
    this.#backlog.add(message);
    if (message.type === client.terminate) this.#terminateHeld();
  }

  /** A client that has said goodbye does not wait for approvers. */
  #terminateHeld() {
    if (this.#conversation.state === "held") this.#holding?.cancel();
  }

  #resume() {
    while (!this.#conversation.blocked && !this.#conversation.ended) {
      const message = this.#backlog.take();
      if (message === undefined) break;
      this.#handle(message);
    }
    this.#conversation.turn();
    this.#regulate();
  }

  #regulate() {
    const { state } = this.#conversation;
    if (state === "ended") return;
    if (state === "held" && this.#backlog.bytes > this.#parts.bounds.heldBytes)
      this.#conversation.fatal("54000", "Countersign: too much was sent after a statement that waits for approval");
    else this.#backlog.regulate(state === "held");
  }

  #handle(message: Queued) {
    const conversation = this.#conversation;
    const rolledBack = conversation.status === "E" && conversation.replies.due === 0;
    if (conversation.doubtful && judged.has(message.type) && conversation.state === "open" && !rolledBack)
      return this.check(() => this.#handleNow(message));
    if (conversation.limited && conversation.state === "open" && message.type !== client.sync && message.type !== client.flush) {
      conversation.limited = false;
      if (conversation.replies.due > 0) return this.#later(conversation.answeredAll(), message);
    }
    this.#handleNow(message);
  }

  #handleNow(message: Queued) {
    const { state, limiting } = this.#conversation;
    // Our own cancel of what came before would hit whatever the server is at then: a Parse, too.
    if (limiting.pending !== undefined && state === "open" && message.type !== client.sync && message.type !== client.flush)
      return this.#later(limiting.pending, message);
    try {
      this.#act(message);
    } catch (error) {
      this.#disorder(error, message.type);
    }
  }

  #attempt(work: () => void) {
    try {
      work();
    } catch (error) {
      this.#disorder(error);
    }
  }

  #later(promise: Promise<void>, message: Queued) {
    this.#conversation.wait(promise, { done: () => this.#handleNow(message) });
  }

  /** Something ran that may have changed how statements are read: nothing is judged before the session was asked. */
  check(next: () => void): void {
    const conversation = this.#conversation;
    const checked = async (): Promise<void> => {
      const answered = conversation.answeredAll();
      conversation.turn();
      await answered;
      await conversation.limiting.pending;
      // Its pipeline has failed; or it was rolled back, and the settings are those of before.
      if (conversation.lostMeanwhile || (conversation.status === "E" && !conversation.executed)) return;
      try {
        await checkSession(conversation);
        conversation.doubtful = conversation.unchecked = false;
      } catch (error) {
        const why = error instanceof Error ? error.message : "the session cannot be asked";
        conversation.fatal("42501", `Countersign: ${why}`);
      }
    };
    conversation.wait(checked(), { done: () => this.#attempt(next) });
  }

  #act({ type, frame, left }: Queued) {
    const { state, outgoing } = this.#conversation;
    const action = actionOf(state, type);
    if (left === -1 && action !== "drop") return this.#oversized(type);
    switch (action) {
      case "query":
        return this.#simple.query(frame);
      case "parse":
      case "bind":
      case "describe":
      case "execute":
      case "close":
        return this.#extended[action](frame);
      case "sync":
        this.#conversation.state = "open";
        return this.#extended.sync(frame);
      case "flush":
        if (outgoing.lent) outgoing.add(frame);
        return;
      case "call":
        return this.#conversation.refuseQuery(noCall);
      case "copy":
        return this.#copying.stream(type, frame);
      case "capture":
        return this.#copying.take(type, frame, left);
      case "terminate":
        return this.#goodbye();
      case "drop":
        return;
      case "disorder":
        throw new WireError("08P01", `unexpected message type 0x${type.toString(16)}`, true);
    }
  }

  /** What was sent before is answered before the end, as it is without us. */
  #goodbye() {
    const conversation = this.#conversation;
    // A copy that was begun and not ended is not waited for.
    this.#leaving.goodbye = !conversation.copies;
    if (conversation.copies || conversation.replies.due === 0) return conversation.end();
    conversation.state = "leaving";
    void conversation.answeredAll().then(() => conversation.end());
  }

  #oversized(type: number) {
    if (type === client.query || type === client.functionCall) this.#conversation.refuseQuery(tooLarge);
    else this.#conversation.refuseStep(tooLarge);
  }

  /** What PostgreSQL would not take either. */
  #disorder(error: unknown, type?: number) {
    if (!(error instanceof WireError)) {
      this.#parts.onInternalError(error);
      return this.#conversation.fatal("XX000", "Countersign: an internal error ended the connection");
    }
    const { sqlstate, message, fatal } = error;
    if (fatal) return this.#conversation.fatal(sqlstate, message);
    const complaint = { severity: "ERROR", sqlstate, message } as const;
    if (type === client.query) this.#conversation.refuseQuery(complaint, true);
    else this.#conversation.refuseStep(complaint, true);
  }

  /** The client has gone, or was told to. */
  #over(): void {
    if (this.#conversation.state === "ended") return;
    this.#backlog.drop();
    this.#conversation.leave();
    this.#holding?.cancel();
    this.#leaving.begin(() => this.#native[Symbol.dispose]());
  }
}

const none = Buffer.alloc(0);
