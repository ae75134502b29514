import { connect } from "node:net";
import type { PodSession } from "./pod-session.ts";

/**
 * port-forward over `v4.channel.k8s.io`, as client libraries speak it (k8s.io/kubelet, portforward/websocket.go): for each port a channel of data
 * and one of errors, which both begin with the port's number.
 */
export function forwardByChannels({ socket, ports }: PodSession, forwarded: readonly number[]): void {
  forwarded.forEach((port, index) => {
    const number = Buffer.alloc(2);
    number.writeUInt16LE(port);
    const [data, errors] = [2 * index, 2 * index + 1];
    for (const channel of [data, errors]) socket.send(Buffer.concat([Buffer.of(channel), number]));
    ports.push(port);
    const local = connect(port, "127.0.0.1");
    local.on("data", (part) => socket.send(Buffer.concat([Buffer.of(data), part])));
    local.on("error", (error) => socket.send(Buffer.concat([Buffer.of(errors), Buffer.from(error.message)])));
    local.on("close", () => socket.close(1000));
    socket.on("message", (message) => {
      if (Buffer.isBuffer(message) && message[0] === data) local.write(message.subarray(1));
    });
    socket.on("close", () => local.destroy());
  });
}
