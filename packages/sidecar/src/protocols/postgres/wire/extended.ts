import type { PostgresQuery } from "@countersign/policy";
import type { Held } from "../../../native/verdict.ts";
import type { Refusal } from "../refuse.ts";
import { admit, refusalOf, runningOf } from "./admission.ts";
import { type BindMessage, type ParseMessage, readBind, readExecute, readNamed, readParse } from "./client-message.ts";
import {
  boundOnce,
  changedSince,
  copyNeedsQuery,
  cursorNeedsFetch,
  notUnderstood,
  statementOfSql,
  unknownPortal,
  unknownStatement,
} from "./complaints.ts";
import type { Conversation } from "./conversation.ts";
import { expected } from "./expected.ts";
import type { Gatekeeper } from "./gatekeeper.ts";
import type { HeldWork } from "./holding.ts";
import { describeMasked } from "./masking-of.ts";
import { type Portal, type Prepared, typesOf } from "./names.ts";
import { ownName, request } from "./request-message.ts";
import type { Running } from "./running.ts";
import { sameTexts, sameValues } from "./same-terms.ts";
import { bindErrorOf, ownErrorOf } from "./syntax.ts";
import { isBlank, isPlain } from "./text.ts";
import { WireError } from "./wire-error.ts";

/** More prepared statements and portals than these are refused: each takes memory here. */
const mostNames = 5000;

/** The extended protocol (§53.2.3): a decision for each Bind, and for each Execute of what has been executed to its end. */
export class ExtendedProtocol {
  readonly #conversation: Conversation;
  readonly #gate: Gatekeeper;

  constructor(conversation: Conversation, gate: Gatekeeper) {
    this.#conversation = conversation;
    this.#gate = gate;
  }

  /** A Parse: what cannot be classified does not reach the server. */
  parse(frame: Buffer) {
    const message = readParse(frame);
    const { statement } = message;
    const conversation = this.#conversation;
    if (!isPlain(statement)) {
      if (conversation.unchecked) return this.#gate.check(() => this.parse(frame));
      if (conversation.replies.due > 0) return conversation.wait(conversation.answeredAll(), { done: () => this.parse(frame) });
    }
    if (isBlank(statement))
      return this.#withSession(() =>
        this.#sendParse(request.parse(message.name, "", message.types), { ...message, statement: "" }),
      );
    let found: ReturnType<Conversation["native"]["read"]>;
    try {
      found = this.#conversation.native.read(this.#conversation.operation(statement, { parameters: [] }));
    } catch {
      return this.#inOrder(() => this.#notUnderstood(message));
    }
    if (found === undefined) return this.#understood(frame, message);
    this.#conversation.wait(found, {
      done: (refused) => (refused ? this.#inOrder(() => this.#denied(message, refused)) : this.#understood(frame, message)),
      failed: () => this.#inOrder(() => this.#notUnderstood(message)),
    });
  }

  #understood(frame: Buffer, message: ParseMessage) {
    const { statements, portals } = this.#conversation.names;
    if (message.name !== "" && statements.size + portals.size >= mostNames)
      throw new WireError("54000", `more than ${mostNames} prepared statements and portals`);
    this.#withSession(() => this.#sendParse(frame, message));
  }

  #sendParse(frame: Buffer, { name, statement, types }: ParseMessage) {
    const conversation = this.#conversation;
    const { names, pipeline } = conversation;
    const steps = names.stepsOf(statement);
    const defines: Prepared = { of: "statement", text: statement, source: statement, types, steps, bySql: false, refused: false };
    names.statements.sent(name, defines, pipeline);
    conversation.stepped = true;
    conversation.send(frame, expected("parse", { name, defines }));
  }

  /** What was sent about the name before is answered first: it is not to count again once the name is refused. */
  #inOrder(work: () => void) {
    const conversation = this.#conversation;
    if (conversation.replies.due === 0) return work();
    conversation.wait(conversation.answeredAll(), { done: work });
  }

  /** A Bind of the name must not run what it stood for before. */
  #refused({ name, statement: text, types }: ParseMessage) {
    const refused: Prepared = { of: "statement", text, source: "", types, steps: undefined, bySql: false, refused: true };
    this.#conversation.names.statements.set(name, refused);
  }

  /** It would be denied whatever its values: neither its text goes to the server, nor does a Describe tell of the columns that it would give. */
  #denied(message: ParseMessage, refusal: Refusal) {
    this.#refused(message);
    this.#conversation.refuseStep(ownErrorOf(refusal).complaint);
  }

  /** The refusal is recorded as that of the operation. */
  #notUnderstood(message: ParseMessage) {
    const { statement } = message;
    const conversation = this.#conversation;
    const refuse: HeldWork["refuse"] = (refusal) => {
      const { complaint, likeServer } = ownErrorOf(refusal);
      // What PostgreSQL itself refuses leaves an older statement that has a name, as the client knows.
      if (!likeServer || message.name === "") this.#refused(message);
      conversation.refuseStep(complaint, likeServer);
    };
    admit(conversation, conversation.operation(statement, { parameters: [] }), {
      refuse,
      // It is not sent, whatever policy says now.
      pass: ({ passage }) => {
        passage.end({ state: "unsent", rows: 0, bytes: 0, durationMs: 0 });
        refuse(notUnderstood);
      },
      hold: () => refuse(notUnderstood),
    });
  }

  /** A Bind: here an operation is complete, and decided. */
  bind(frame: Buffer) {
    const conversation = this.#conversation;
    const { names, pipeline } = conversation;
    const message = readBind(frame);
    if (!names.isKnown("statements", message.statement, pipeline))
      return conversation.wait(conversation.answeredAll(), { done: () => this.bind(frame) });
    const prepared = names.statements.get(message.statement);
    if (prepared === undefined || prepared.refused) return conversation.refuseStep(unknownStatement(message.statement), true);
    if (prepared.bySql) return conversation.refuseStep(statementOfSql(message.statement));
    if (!names.isCertain(prepared.steps, pipeline))
      return conversation.wait(conversation.answeredAll(), { done: () => this.bind(frame) });
    if (isBlank(prepared.text)) return this.#withSession(() => this.#sendBind(frame, message, prepared, undefined, undefined));
    const { parameters } = message;
    const types = typesOf(prepared, parameters);
    const runs = names.runsOf(prepared.steps);
    const isPlainBind = types === undefined && runs === undefined;
    const values = isPlainBind ? { parameters } : { parameters, ...(types && { types }), ...(runs && { runs }) };
    const operation = conversation.operation(prepared.text, values);
    admit(conversation, operation, {
      pass: (verdict) =>
        this.#sendBind(
          frame,
          message,
          prepared,
          runningOf(conversation, verdict, { steps: prepared.steps, isStep: true }),
          operation,
        ),
      hold: (verdict) => this.#held(verdict, operation, frame, message, prepared),
      refuse: (refusal) => {
        const { complaint, likeServer } = bindErrorOf(refusal, message.statement);
        conversation.refuseStep(complaint, likeServer);
      },
    });
  }

  #sendBind(
    frame: Buffer,
    { portal: name }: BindMessage,
    { text, source, steps }: Prepared,
    running: Running | undefined,
    operation: PostgresQuery | undefined,
  ) {
    const conversation = this.#conversation;
    const { names, pipeline, parts } = conversation;
    const older = names.portals.get(name);
    if (older?.running && name === "") older.running.drop(parts.now());
    const portal: Portal = { of: "portal", text, source, steps, hold: false, running, rows: 0, finished: false, operation };
    names.portals.sent(name, portal, pipeline);
    conversation.stepped = true;
    conversation.send(frame, expected("bind", { name, defines: portal }), true);
  }

  #held(verdict: Held, operation: PostgresQuery, frame: Buffer, message: BindMessage, prepared: Prepared) {
    const conversation = this.#conversation;
    const refuse: HeldWork["refuse"] = (refusal) => {
      const { complaint, likeServer } = ownErrorOf(refusal);
      conversation.refuseStep(complaint, likeServer);
    };
    const copies = prepared.steps?.some(({ does }) => does === "copy-in") === true;
    if (copies && verdict.decision.approval.input !== "unseen") return refuse(copyNeedsQuery);
    this.#gate.hold(verdict, {
      operation,
      refuse,
      run: (approved, running) => {
        if (approved.statement === operation.statement && sameValues(approved, operation))
          return this.#sendBind(frame, message, prepared, running, operation);
        this.#sendEdited(approved, message, running);
      },
    });
  }

  /** What an approver wrote goes by a statement of our own into the client's portal. */
  #sendEdited(approved: PostgresQuery, message: BindMessage, running: Running) {
    const conversation = this.#conversation;
    const { statement, parameters, types = [] } = approved;
    const steps = conversation.names.stepsOf(statement);
    const edited: Prepared = { of: "statement", text: statement, source: statement, types, steps, bySql: false, refused: false };
    conversation.send(request.parse(ownName, statement, types), expected("parse", { silent: true, name: ownName }));
    const bind = request.bind(message.portal, ownName, parameters, message.resultFormats);
    this.#sendBind(bind, message, edited, running, approved);
    conversation.send(request.closeStatement(ownName), expected("close-statement", { silent: true, name: ownName }));
  }

  /** An Execute: of a portal that was bound, and of a cursor that was declared, each of which was decided on. */
  execute(frame: Buffer) {
    const conversation = this.#conversation;
    const { names, pipeline } = conversation;
    const { portal: name, rows } = readExecute(frame);
    if (!names.isKnown("portals", name, pipeline))
      return conversation.wait(conversation.answeredAll(), { done: () => this.execute(frame) });
    const portal = names.portals.get(name);
    if (portal === undefined) return conversation.refuseStep(unknownPortal(name), true);
    const { operation, steps } = portal;
    if (!names.isCertain(steps, pipeline))
      return conversation.wait(conversation.answeredAll(), { done: () => this.execute(frame) });
    // What an EXECUTE runs is looked up by the server now, not when it was bound.
    if (operation !== undefined && !sameTexts(names.runsOf(steps), operation.runs))
      return conversation.refuseStep(changedSince(name), true);
    if (!portal.finished && portal.running !== undefined) return this.#sendExecute(frame, portal, rows);
    // Empty text, which runs nothing.
    if (operation === undefined && portal.running === undefined && isBlank(portal.text))
      return this.#sendExecute(frame, portal, rows);
    if (operation === undefined) return conversation.refuseStep(cursorNeedsFetch(name));
    admit(conversation, operation, {
      pass: (verdict) => {
        portal.running = runningOf(conversation, verdict, { steps: portal.steps, isStep: true });
        portal.finished = false;
        this.#sendExecute(frame, portal, rows);
      },
      hold: () => conversation.refuseStep(boundOnce),
      refuse: (refusal) => conversation.refuseStep(ownErrorOf(refusal).complaint),
    });
  }

  #sendExecute(frame: Buffer, portal: Portal, rows: number): void {
    const conversation = this.#conversation;
    const { steps, source, running } = portal;
    if (rows === 0) portal.finished = true;
    conversation.names.sent(steps);
    if (steps?.some(({ does }) => does === "begin" || does === "end")) conversation.controlled = true;
    conversation.stepped = true;
    // Empty text runs nothing: a transaction that has failed is still that, and nothing has to be undone.
    if (running !== undefined) conversation.executed = true;
    if (running?.bounded) conversation.limited = true;
    describeMasked(conversation, frame, running);
    conversation.send(frame, expected("execute", { running, steps, source }), true);
  }

  /** A Describe runs nothing, but it must not tell of what the client does not mean. */
  describe(frame: Buffer) {
    const { what, name } = readNamed(frame, "DESCRIBE");
    const describes = what === "S" ? this.#conversation.names.statements.get(name) : undefined;
    if (describes?.refused) return this.#conversation.refuseStep(unknownStatement(name), true);
    this.#withSession(() => {
      this.#conversation.stepped = true;
      this.#conversation.send(frame, expected("describe", { describes }));
    });
  }

  /** A Close. */
  close(frame: Buffer): void {
    const { what, name } = readNamed(frame, "CLOSE");
    this.#withSession(() => {
      const conversation = this.#conversation;
      const { names, pipeline } = conversation;
      names[what === "S" ? "statements" : "portals"].sent(name, undefined, pipeline);
      conversation.stepped = true;
      conversation.send(frame, expected(what === "S" ? "close-statement" : "close-portal", { name }));
    });
  }

  /** A Sync ends what is skipped. */
  sync(frame: Buffer) {
    const conversation = this.#conversation;
    conversation.pipelineEnds(true);
    conversation.pipeline++;
    if (conversation.outgoing.lent) return conversation.send(frame, expected("sync"));
    conversation.replies.expect(expected("local", { ready: true }));
  }

  #withSession(work: () => void) {
    const conversation = this.#conversation;
    if (conversation.outgoing.lent) return work();
    conversation.wait(conversation.lend(), {
      done: work,
      failed: (error) => conversation.refuseStep(ownErrorOf(refusalOf(conversation, error)).complaint),
    });
  }
}
