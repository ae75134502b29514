import { connect } from "node:net";

/** As good as any other (RFC 6455 §4.1). */
export const plainKey = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==";

/** The opening of a WebSocket, with lines of its own. */
export function handshake(token: string, path: string, ...more: readonly string[]): string {
  const lines = [
    ...[`GET ${path} HTTP/1.1`, "Host: live.test", `Authorization: Bearer ${token}`, "Upgrade: websocket", "Connection: Upgrade"],
    ...["Sec-WebSocket-Version: 13", plainKey, ...more],
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/**
 * Sends bytes as they are and gives what comes back, until the other side ends it or says nothing more.
 *
 * @param later sends more; then the other side has to end it.
 */
export function raw(
  base: string,
  text: string,
  later?: (send: (text: string) => void, answered: Promise<void>) => Promise<void>,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(base).port), "127.0.0.1", () => socket.write(Buffer.from(text, "latin1")));
    const answered = Promise.withResolvers<void>();
    let answer = "";
    if (later === undefined) socket.setTimeout(400, () => socket.destroy());
    else later((more) => socket.write(Buffer.from(more, "latin1")), answered.promise).catch(reject);
    socket.on("data", (data) => {
      answer += data.toString("latin1");
      answered.resolve();
    });
    socket.on("error", (error) => (answer === "" && later !== undefined ? reject(error) : resolve(answer)));
    socket.on("close", () => resolve(answer));
  });
}
