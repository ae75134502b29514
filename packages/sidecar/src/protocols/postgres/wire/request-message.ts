import type { PostgresParameter } from "@countersign/policy";
import { serialize } from "pg-protocol";

/** A text that PostgreSQL's parser does not accept, and never will: it makes a transaction fail as the client's own error would. */
export const errorText = "Countersign refused this statement";
/** The name of our own prepared statement and portal among the client's. */
export const ownName = "_countersign";

/** Messages of ours to the server, for those that are not sent as a client sent them. */
export const request = {
  query: (statement: string): Buffer => serialize.query(statement),
  parse: (name: string, statement: string, types: readonly number[] = []): Buffer =>
    serialize.parse({ name, text: statement, types: [...types] }),
  /** `resultFormats` with their count; default: text. */
  bind: bindMessage,
  describePortal: (name: string): Buffer => serialize.describe({ type: "P", name }),
  execute: (portal: string): Buffer => serialize.execute({ portal, rows: 0 }),
  closeStatement: (name: string): Buffer => serialize.close({ type: "S", name }),
  closePortal: (name: string): Buffer => serialize.close({ type: "P", name }),
  flush: serialize.flush(),
  sync: serialize.sync(),
  copyDone: serialize.copyDone(),
  copyData: (data: Buffer): Buffer => serialize.copyData(data),
  copyFail: (reason: string): Buffer => serialize.copyFail(reason),
};

/** pg-protocol's has no result formats column by column. */
function bindMessage(
  portal: string,
  statement: string,
  parameters: readonly PostgresParameter[],
  resultFormats: Buffer = Buffer.alloc(2),
): Buffer {
  const values = parameters.map((parameter) => {
    if (parameter === null) return undefined;
    return "text" in parameter ? Buffer.from(parameter.text) : Buffer.from(parameter.binary, "base64url");
  });
  const head = Buffer.from(`${portal}\0${statement}\0`);
  const formats = Buffer.alloc(4 + 2 * parameters.length);
  formats.writeUInt16BE(parameters.length, 0);
  parameters.forEach((parameter, index) => {
    formats.writeUInt16BE(parameter !== null && "binary" in parameter ? 1 : 0, 2 + 2 * index);
  });
  formats.writeUInt16BE(parameters.length, 2 + 2 * parameters.length);
  const parts: Buffer[] = [head, formats];
  for (const value of values) {
    const length = Buffer.alloc(4);
    length.writeInt32BE(value?.length ?? -1);
    parts.push(length);
    if (value) parts.push(value);
  }
  parts.push(resultFormats);
  const header = Buffer.alloc(5);
  header.write("B");
  header.writeUInt32BE(4 + parts.reduce((sum, part) => sum + part.length, 0), 1);
  return Buffer.concat([header, ...parts]);
}
