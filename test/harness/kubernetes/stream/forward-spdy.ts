import { connect, type Socket } from "node:net";
import type { PodSession } from "./pod-session.ts";
import { type SpdyFrame, SpdyReader, SpdyWriter } from "./spdy.ts";

/**
 * Port-forward as kubectl speaks it: SPDY/3.1 frames inside the WebSocket (KEP-4006), and in them for each connection a stream of data and one of
 * errors, whose headers name the port (k8s.io/api/core/v1, PortHeader).
 */
export function forwardBySpdy({ socket, ports }: PodSession): void {
  const reader = new SpdyReader();
  const writer = new SpdyWriter();
  const locals = new Map<number, Socket>();
  /** The stream of errors of a connection, by its number. */
  const errors = new Map<string, number>();
  const send = (bytes: Buffer) => socket.send(bytes);
  const open = ({ stream, headers }: Extract<SpdyFrame, { type: "syn" }>) => {
    const { port = "", requestid = "", streamtype } = headers;
    send(writer.reply(stream));
    if (streamtype === "error") {
      errors.set(requestid, stream);
      return;
    }
    ports.push(Number(port));
    const local = connect({ port: Number(port), host: "127.0.0.1", allowHalfOpen: true });
    locals.set(stream, local);
    local.on("data", (data) => send(writer.data(stream, data)));
    const failed = (why: string) => send(writer.data(errors.get(requestid) ?? 0, Buffer.from(why)));
    local.on("error", (error) => failed(`an error occurred forwarding ${port}: ${error.message}`));
    local.once("end", () => local.end());
    local.once("close", () => {
      send(writer.data(stream, Buffer.alloc(0), true));
      send(writer.data(errors.get(requestid) ?? 0, Buffer.alloc(0), true));
    });
  };
  socket.on("message", (bytes) => {
    if (!Buffer.isBuffer(bytes)) return;
    for (const frame of reader.read(bytes)) {
      if (frame.type === "syn") open(frame);
      if (frame.type === "ping") send(writer.ping(frame.id));
      if (frame.type === "reset") locals.get(frame.stream)?.destroy();
      if (frame.type !== "data") continue;
      const local = locals.get(frame.stream);
      if (frame.data.length > 0) local?.write(frame.data);
      if (frame.isLast) local?.end();
    }
  });
  socket.on("close", () => {
    for (const local of locals.values()) local.destroy();
  });
}
