/**
 * The API that the benches ask, in a process of its own: `GET /small` is 1 KB, `GET /large?bytes=N` that many, `PUT /sink` takes what it is
 * sent and says how much it was. Says its port to its parent.
 */
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

const small = Buffer.alloc(1024, "0");
/** Text of every kind of letter: what looks for a credential in it has something to look at. */
const chunk = Buffer.from(randomBytes(192 * 1024).toString("base64"));
const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://upstream");
  if (request.method === "PUT") return sink(request, response);
  if (pathname === "/large") return void send(response, Number(searchParams.get("bytes")));
  response.writeHead(200, { "content-type": "text/plain", "content-length": small.length });
  response.end(small);
});
server.requestTimeout = 0;
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object") process.send?.(address?.port);
});
process.once("disconnect", () => process.exit());

async function send(response: ServerResponse, bytes: number): Promise<void> {
  response.writeHead(200, { "content-type": "application/octet-stream", "content-length": bytes });
  for (let left = bytes; left > 0 && !response.destroyed; left -= chunk.length) {
    if (response.write(left < chunk.length ? chunk.subarray(0, left) : chunk)) continue;
    await new Promise<void>((resolve) => {
      response.once("drain", resolve).once("close", resolve);
    });
  }
  response.end();
}

function sink(request: IncomingMessage, response: ServerResponse): void {
  let bytes = 0;
  request.on("data", (data: Buffer) => (bytes += data.length));
  request.on("end", () => response.end(String(bytes)));
}
