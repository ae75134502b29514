/** Types of the messages that a server sends after start-up (§53.7), by their letters. */
export const server = {
  parseComplete: 0x31,
  bindComplete: 0x32,
  closeComplete: 0x33,
  notification: 0x41,
  commandComplete: 0x43,
  dataRow: 0x44,
  error: 0x45,
  copyIn: 0x47,
  copyOut: 0x48,
  emptyQuery: 0x49,
  notice: 0x4e,
  parameterStatus: 0x53,
  rowDescription: 0x54,
  copyBoth: 0x57,
  ready: 0x5a,
  copyDone: 0x63,
  copyData: 0x64,
  noData: 0x6e,
  portalSuspended: 0x73,
  parameterDescription: 0x74,
} as const;

/** What an ErrorResponse or a NoticeResponse says, by its fields (§53.8). */
export interface Complaint {
  readonly severity: "ERROR" | "FATAL" | "NOTICE" | "WARNING";
  readonly sqlstate: string;
  readonly message: string;
  readonly detail?: string;
  readonly hint?: string;
  /** In characters, from 1. */
  readonly position?: number;
}

const headerBytes = 5;

/** An ErrorResponse, or a NoticeResponse for what is neither ERROR nor FATAL. */
export function complaintMessage(complaint: Complaint): Buffer {
  const { severity, sqlstate, message, detail, hint, position } = complaint;
  const fields = [`S${severity}`, `V${severity}`, `C${sqlstate}`, `M${message}`];
  if (detail !== undefined) fields.push(`D${detail}`);
  if (hint !== undefined) fields.push(`H${hint}`);
  if (position !== undefined) fields.push(`P${position}`);
  // A zero byte would end the field.
  const body = `${fields.map((field) => `${field.replaceAll("\0", "")}\0`).join("")}\0`;
  return messageOf(severity === "ERROR" || severity === "FATAL" ? server.error : server.notice, Buffer.from(body));
}

/** ReadyForQuery. */
export function readyMessage(status: number): Buffer {
  return messageOf(server.ready, Buffer.of(status));
}

/** CopyInResponse in text format for so many columns. */
export function copyInMessage(binary: boolean, columns: number): Buffer {
  const body = Buffer.alloc(3 + 2 * columns);
  body[0] = binary ? 1 : 0;
  body.writeUInt16BE(columns, 1);
  if (binary) for (let column = 0; column < columns; column++) body.writeUInt16BE(1, 3 + 2 * column);
  return messageOf(server.copyIn, body);
}

function messageOf(type: number, body: Buffer): Buffer {
  const message = Buffer.allocUnsafe(headerBytes + body.length);
  message[0] = type;
  message.writeUInt32BE(body.length + 4, 1);
  body.copy(message, headerBytes);
  return message;
}

/** The text of a field of an ErrorResponse or NoticeResponse; undefined when it has none. */
export function fieldOf(frame: Buffer, field: "S" | "V" | "C" | "M"): string | undefined {
  const wanted = field.charCodeAt(0);
  let at = headerBytes;
  while (at < frame.length && frame[at] !== 0) {
    const end = frame.indexOf(0, at + 1);
    if (end === -1) return undefined;
    if (frame[at] === wanted) return frame.toString("utf8", at + 1, end);
    at = end + 1;
  }
  return undefined;
}

/** Name and value of a ParameterStatus. */
export function readParameterStatus(frame: Buffer): readonly [name: string, value: string] {
  const end = frame.indexOf(0, headerBytes);
  return [frame.toString("utf8", headerBytes, end), frame.toString("utf8", end + 1, frame.length - 1)];
}

/** The types of a statement's parameters, by OID, from a ParameterDescription. */
export function readParameterDescription(frame: Buffer): readonly number[] {
  const count = frame.readUInt16BE(headerBytes);
  return Array.from({ length: count }, (_, index) => frame.readUInt32BE(headerBytes + 2 + 4 * index));
}

/** The tag of a CommandComplete that stands from `at` to `end`. */
export function readTag(chunk: Buffer, at: number, end: number): string {
  return chunk.toString("latin1", at + headerBytes, end - 1);
}
