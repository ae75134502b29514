import type { Conversation } from "./conversation.ts";

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
    const answered = conversation.endAll(this.goodbye);
    void answered.then(() => {
      clearTimeout(timer);
      lent.giveBack(conversation.afterwards, conversation.status);
      done();
    });
  }

  #giveUp(done: () => void): void {
    const conversation = this.#conversation;
    const now = conversation.parts.now();
    for (const { running } of conversation.replies.abandon()) running?.lose(now);
    conversation.outgoing.lent?.giveBack("end", "busy");
    done();
  }
}
