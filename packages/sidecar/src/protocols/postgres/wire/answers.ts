import type { TransactionStatus } from "../exchange.ts";
import type { LentHandler } from "../lent.ts";
import type { Conversation } from "./conversation.ts";
import { type Expected, expected } from "./expected.ts";
import { limitMessage } from "./limiting.ts";
import type { RepliesHandler } from "./replies.ts";
import { errorText, ownName, request } from "./request-message.ts";
import { readyMessage } from "./server-message.ts";

/** What the server says, and what it means for the conversation: names that are confirmed or taken back, operations that end, limits, copies. */
export class Answers implements RepliesHandler, LentHandler {
  readonly #conversation: Conversation;
  #serverEnds = false;
  /** The server has said what nobody can understand: nothing that follows is looked at. */
  #broken = false;

  constructor(conversation: Conversation) {
    this.#conversation = conversation;
  }

  data(chunk: Buffer): boolean {
    const conversation = this.#conversation;
    if (this.#broken) return true;
    try {
      conversation.replies.push(chunk);
    } catch (error) {
      this.#broken = true;
      conversation.parts.onInternalError(error);
      conversation.fatal("08P01", "Countersign: the database broke the protocol");
    }
    conversation.turn();
    return conversation.parts.client.sent;
  }

  drained(): void {
    this.#conversation.serverDrained();
  }

  closed(): void {
    const conversation = this.#conversation;
    const now = conversation.parts.now();
    for (const { running } of conversation.replies.abandon()) running?.lose(now);
    conversation.pipelineEnds();
    conversation.copies = false;
    conversation.afterwards = "end";
    if (this.#serverEnds) conversation.end();
    else conversation.fatal("57P01", "Countersign: the connection to the database was lost");
    conversation.advanced();
  }

  serverEnds(): void {
    this.#serverEnds = true;
  }

  toClient(bytes: Buffer): void {
    this.#conversation.tell(bytes);
  }

  completed(entry: Expected): void {
    if (entry.steps) this.#conversation.names.completed(entry);
  }

  answered(entry: Expected): void {
    const { kind, name, running, defines, steps } = entry;
    const { statements, portals } = this.#conversation.names;
    if (kind === "query" || kind === "execute") {
      this.#endCopy();
      running?.finish(this.#conversation.parts.now());
      if (steps) this.#conversation.names.done(steps);
      if (kind === "query") statements.confirmed("", undefined);
    } else if (kind === "parse" && defines?.of === "statement") statements.confirmed(name, defines);
    else if (kind === "bind" && defines?.of === "portal") portals.confirmed(name, defines);
    else if (kind === "close-statement") statements.confirmed(name, undefined);
    else if (kind === "close-portal") portals.confirmed(name, undefined);
    this.#settle(entry, true);
  }

  suspended(entry: Expected): void {
    if (entry.steps) this.#conversation.names.done(entry.steps);
    this.#settle(entry, true);
  }

  failed(entry: Expected): void {
    const { kind, name, running, defines } = entry;
    this.#endCopy();
    if (kind === "query" || kind === "sync") return;
    // A Parse without a name takes the older one away before it looks at its own text.
    if (kind === "parse" && name === "" && defines) this.#conversation.names.statements.confirmed(name, undefined);
    else this.#undone(entry);
    running?.end("failed", this.#conversation.parts.now());
    this.#settle(entry, false);
  }

  skipped(entry: Expected): void {
    if (entry.kind === "query") this.#conversation.names.statements.undone("");
    this.#undone(entry);
    entry.running?.end("failed", this.#conversation.parts.now());
    this.#settle(entry, false);
  }

  advanced(): void {
    this.#conversation.advanced();
  }

  lost(): void {
    this.#conversation.lose();
  }

  ready(status: TransactionStatus): void {
    const conversation = this.#conversation;
    conversation.status = status;
    for (const { running } of conversation.names.ready(status)) running?.drop(conversation.parts.now());
  }

  ownReady(): Buffer {
    return readyMessage(this.#conversation.status.charCodeAt(0));
  }

  limit({ running }: Expected): void {
    if (running) this.#conversation.limiting.stop(running);
    this.#conversation.afterwards = "end";
  }

  limitReached({ running }: Expected): Buffer {
    if (!running) throw new TypeError("nothing was limited");
    return limitMessage(running);
  }

  overtaken(): void {
    this.#conversation.send(request.parse(ownName, errorText), expected("parse", { silent: true, name: ownName }));
  }

  copyIn({ input, running }: Expected): boolean {
    const conversation = this.#conversation;
    if (input !== undefined) {
      for (const message of [request.copyData(input), request.copyDone]) conversation.outgoing.add(message);
      return false;
    }
    if (running?.takesData === false) {
      conversation.fatal("42501", "Countersign: the server asks for data that no approver has seen");
      return false;
    }
    // Its end may have been sent ahead.
    const ended = conversation.replies.dropIgnoredSyncs();
    conversation.copies = !ended;
    if (!ended && conversation.state === "open") conversation.state = "copying";
    else if (!ended && !conversation.ended) conversation.fatal("08P01", "unexpected message during COPY from stdin");
    return true;
  }

  reported(name: string, value: string): void {
    const conversation = this.#conversation;
    conversation.terms.reported(name, value);
    if (conversation.outgoing.lent?.drifted(name, value) !== true) return;
    const message = `${name} has changed, on which the reading of statements depends; the session is ended`;
    conversation.fatal("42501", `Countersign: ${message}`);
  }

  /** The server takes no more data: it has failed, or it has all. */
  #endCopy(): void {
    this.#conversation.copies = false;
    if (this.#conversation.state === "copying") this.#conversation.state = "open";
  }

  #undone({ kind, name, steps, defines }: Expected): void {
    const { names, parts } = this.#conversation;
    if (kind === "parse" || kind === "close-statement") names.statements.undone(name);
    else if (kind === "bind" || kind === "close-portal") names.portals.undone(name);
    if (defines?.of === "portal") defines.running?.end("failed", parts.now());
    if (steps) names.done(steps);
  }

  #settle(entry: Expected, done: boolean): void {
    entry.due = false;
    entry.settled?.(done);
  }
}
