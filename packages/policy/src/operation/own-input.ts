import type { ClientConnection } from "../action.ts";
import type { OperationPart } from "./kind.ts";
import type { ConnectionMessage } from "./message.ts";

/** What operations have in common that an unmodified client may be behind. */
interface OwnInput {
  readonly connection?: ClientConnection;
  readonly streamed?: true;
}

/** A client's own connection on the wire. */
export function connectionMessage(connection: ClientConnection | undefined): ConnectionMessage | undefined {
  if (connection === undefined) return undefined;
  const { id, inTransaction, settings } = connection;
  return { id, inTransaction: inTransaction === true, settings: { ...settings } };
}

/** A client's own connection from the wire. */
export function readConnection(message: ConnectionMessage | undefined): { readonly connection?: ClientConnection } {
  if (message === undefined) return {};
  const { id, inTransaction, settings } = message;
  const hasSettings = Object.keys(settings).length > 0;
  return {
    connection: { id, ...(inTransaction ? { inTransaction } : {}), ...(hasSettings ? { settings: { ...settings } } : {}) },
  };
}

/** The client's own connection and input on the wire. */
export function ownInputMessage({ connection, streamed }: OwnInput) {
  return { connection: connectionMessage(connection), streamed: streamed === true };
}

/** The client's own connection and input from the wire. */
export function readOwnInput(message: { connection: ConnectionMessage | undefined; streamed: boolean }): OwnInput {
  return { ...readConnection(message.connection), ...(message.streamed ? { streamed: true } : {}) };
}

/** The client's own connection and input for people. */
export function ownInputParts({ connection, streamed }: OwnInput): readonly OperationPart[] {
  const parts: OperationPart[] = [];
  if (streamed)
    parts.push({
      ...{ name: "Input", type: "note" },
      text: "what its client sends while it runs; it is not known, and nobody sees it",
    });
  if (connection === undefined) return parts;
  const where = `the client's own, ${connection.id}${connection.inTransaction ? ", in an open transaction" : ""}`;
  parts.push({ name: "Connection", type: "note", text: where });
  const settings = Object.entries(connection.settings ?? {}).map(([name, text]) => ({ name, content: { text } }));
  if (settings.length > 0) parts.push({ name: "Settings of the connection", type: "values", values: settings });
  return parts;
}
