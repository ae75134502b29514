import type { Socket } from "node:net";
import pg from "pg";
import { client, finished, type Way } from "./pgbench.ts";

/** Reads a result as fast as it comes, without looking at its rows; gives its bytes and how long it took, milliseconds. */
export async function drained(way: Way, sql: string): Promise<{ readonly bytes: number; readonly ms: number }> {
  const connection = new pg.Client(way);
  // The socket is ended below it.
  connection.on("error", () => {});
  await connection.connect();
  const socket = socketOf(connection);
  socket.removeAllListeners("data");
  const began = performance.now();
  try {
    const bytes = await new Promise<number>((resolve, reject) => {
      let count = 0;
      socket.once("error", reject).once("close", () => reject(new Error(`${way.name}: the connection ended`)));
      socket.on("data", (data: Buffer) => {
        count += data.length;
        // CommandComplete and an idle ReadyForQuery end it; the rows are zeros, so that nothing in them looks like that.
        if (data.length >= 6 && data.readUInt32BE(data.length - 5) === 5 && data.at(-1) === 0x49 && data.at(-6) === 0x5a)
          resolve(count);
      });
      const text = Buffer.from(`\0\0\0\0\0${sql}\0`);
      text.write("Q");
      text.writeInt32BE(text.length - 1, 1);
      socket.write(text);
    });
    return { bytes, ms: performance.now() - began };
  } finally {
    socket.destroy();
  }
}

/** COPY FROM STDIN of so many lines of 100 bytes, by psql; gives milliseconds. */
export async function copiedIn(way: Way, lines: number): Promise<number> {
  const line = `1\t${"x".repeat(97)}`;
  const began = performance.now();
  const copy = `\\copy filler from program 'yes "${line}" | head -n ${lines}'`;
  const text = await finished(client("psql"), ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", "truncate filler", "-c", copy], way);
  if (text !== "") throw new Error(text);
  return performance.now() - began;
}

/** `pg` connects and logs in; what follows is measured without it. */
function socketOf(connection: pg.Client): Socket {
  const { connection: inner }: { connection?: { stream?: Socket } } = Object(connection);
  if (inner?.stream === undefined) throw new Error("pg keeps its socket elsewhere");
  return inner.stream;
}
