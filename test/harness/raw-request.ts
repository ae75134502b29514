import type { Socket } from "node:net";

/** Sends bytes as they are on a connection that opens, and gives what comes back, until the other side ends it or says nothing more. */
export function rawAnswer(socket: Socket, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    socket.write(Buffer.from(text, "latin1"));
    socket.setTimeout(400, () => socket.destroy());
    socket.on("data", (data) => (answer += data.toString("latin1")));
    socket.on("error", (error) => (answer === "" ? reject(error) : resolve(answer)));
    socket.on("close", () => resolve(answer));
  });
}
