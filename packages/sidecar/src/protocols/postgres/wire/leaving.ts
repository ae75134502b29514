import type { Lent } from "../lent.ts";
import type { Conversation } from "./conversation.ts";
import { expected } from "./expected.ts";
import { request } from "./request-message.ts";

/** How long it is waited for the last answers of a session whose client has gone, milliseconds. */
const patienceMs = 5_000;

/** The end of a conversation: what runs is stopped, what became of it is heard, and the session is given back. */
export class Leaving {
  /** The client has said that it goes (Terminate): what it sent before runs to its end, as it does without us. */
  goodbye = false;
  readonly #conversation: Conversation;
  #begun = false;

  constructor(conversation: Conversation) {
    this.#conversation = conversation;
  }

  /** `done` when nothing more will be heard. */
  begin(done: () => void) {
    if (this.#begun) return;
    this.#begun = true;
    const conversation = this.#conversation;
    const { lent } = conversation.outgoing;
    if (lent === undefined) return done();
    if (conversation.replies.due === 0 && !conversation.stepped) {
      lent.giveBack(conversation.afterwards, conversation.status);
      return done();
    }
    const timer = setTimeout(() => this.#giveUp(done), patienceMs).unref();
    const answered = this.#endAll(lent);
    void answered.then(() => {
      clearTimeout(timer);
      lent.giveBack(conversation.afterwards, conversation.status);
      done();
    });
  }

  /** What was begun is ended in the client's place; then everything that was sent is answered some time. */
  #endAll(lent: Lent): Promise<void> {
    const conversation = this.#conversation;
    if (conversation.copies) {
      conversation.outgoing.add(request.copyFail("The client has gone"));
      conversation.replies.expect(expected("copy-end"));
    }
    if (conversation.stepped) conversation.send(request.sync, expected("sync"));
    conversation.pipelineEnds();
    conversation.copies = false;
    conversation.outgoing.flush();
    if (!this.goodbye && conversation.replies.due > 0) {
      conversation.afterwards = "end";
      lent.cancel().catch(() => {});
    }
    return conversation.answeredAll();
  }

  #giveUp(done: () => void): void {
    const conversation = this.#conversation;
    const now = conversation.parts.now();
    for (const { running } of conversation.replies.abandon()) running?.lose(now);
    conversation.outgoing.lent?.giveBack("end", "busy");
    done();
  }
}
