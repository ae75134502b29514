import { isUtf8 } from "node:buffer";
import type { Body } from "../action.ts";
import type { BodyMessage } from "./message.ts";

/** Bytes as part of an operation. The same bytes always give the same body: otherwise they would have two digests. */
export function bodyOf(bytes: Uint8Array): Body {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return isUtf8(buffer) ? { text: buffer.toString("utf8") } : { binary: buffer.toString("base64url") };
}

/** The bytes of a body. */
export function bodyBytes(body: Body): Buffer {
  return "text" in body ? Buffer.from(body.text, "utf8") : Buffer.from(body.binary, "base64url");
}

/** A body on the wire. */
export function bodyMessage(body: Body | undefined): BodyMessage | undefined {
  if (body === undefined) return undefined;
  return "text" in body
    ? { content: { $case: "text", value: body.text } }
    : { content: { $case: "binary", value: bodyBytes(body) } };
}

/** A body from the wire; one without content is none. */
export function readBodyMessage(message: BodyMessage | undefined): Body | undefined {
  switch (message?.content?.$case) {
    case "text":
      return { text: message.content.value };
    case "binary":
      // What is sent as binary although it is text is the text.
      return bodyOf(message.content.value);
  }
  return undefined;
}
