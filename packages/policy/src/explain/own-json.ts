import { z } from "zod";

const text = z.string();

/** A body as actions hold it. */
export const exactBody = z.union([z.strictObject({ text }), z.strictObject({ binary: text })]);

/** The connection of an unmodified client. */
export const connection = z.strictObject({
  id: text,
  inTransaction: z.literal(true).exactOptional(),
  settings: z.record(text, text).exactOptional(),
});

/** What operations have in common that an unmodified client may be behind. */
export const ownInput = { connection: connection.exactOptional(), streamed: z.literal(true).exactOptional() };
