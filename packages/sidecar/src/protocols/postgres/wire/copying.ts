import { Capture } from "./capture.ts";
import { readCopyFail } from "./client-message.ts";
import type { Conversation } from "./conversation.ts";
import { expected } from "./expected.ts";
import { client } from "./frontend.ts";
import type { CaptureWork } from "./gatekeeper.ts";
import { copyInMessage } from "./server-message.ts";

/** Data of the client for COPY … FROM STDIN: streamed to the server, or captured for approvers. */
export class Copying {
  readonly #conversation: Conversation;
  #capture: Capture | undefined;

  constructor(conversation: Conversation) {
    this.#conversation = conversation;
  }

  /** CopyData, CopyDone or CopyFail. While nothing copies, the server ignores what is left over of a copy that failed (§53.2.6); it is not sent. */
  stream(type: number, frame: Buffer): void {
    const conversation = this.#conversation;
    if (conversation.state !== "copying" && conversation.replies.due === 0) return;
    conversation.outgoing.add(frame);
    if (type === client.copyData) return;
    conversation.replies.expect(expected("copy-end"));
    conversation.copies = false;
    conversation.state = "open";
  }

  /** Begins to take data before anybody is asked: the client is told to send it, and the server knows nothing of it. */
  capture(work: CaptureWork): void {
    const { parts, replies } = this.#conversation;
    this.#capture = new Capture(work, parts.bounds.copyBytes);
    this.#conversation.state = "capturing";
    replies.expect(expected("local", { bytes: copyInMessage(work.binary, work.columns) }));
  }

  /** The same messages while data is captured. */
  take(type: number, frame: Buffer, left: number): void {
    const capture = this.#capture;
    if (capture === undefined || (type === client.copyData && capture.take(frame, left))) return;
    this.#capture = undefined;
    this.#conversation.state = "open";
    if (type !== client.copyData) {
      capture.end(type, type === client.copyFail ? readCopyFail(frame) : "");
      return;
    }
    const cap = this.#conversation.parts.bounds.copyBytes;
    capture.work.failed("54000", `Countersign: more than ${cap} bytes of COPY data cannot be shown to approvers`);
  }
}
