/**
 * The least that a reverse proxy in Node can do, in a process of its own: Node's server, the client that Countersign uses, a credential added,
 * bodies streamed both ways. It decides, records and hides nothing. Says its port to its parent; who wants TLS sends a certificate and its key first.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type Dispatcher, Pool } from "undici";
import type { ProxyOrder } from "./node-proxy.ts";

const [{ origin, certificate, key, authorization }] = (await once(process, "message")) as [ProxyOrder];
const pool = new Pool(origin, { connections: 256, pipelining: 1, connect: { rejectUnauthorized: false } });

const serve: RequestListener = (request, response) => {
  pool
    .stream(asked(request), ({ statusCode, headers }) => {
      response.writeHead(statusCode, headers);
      return response;
    })
    .catch(() => response.destroy());
};

const server = certificate === undefined ? createServer(serve) : createTlsServer({ cert: certificate, key }, serve);
server.requestTimeout = 0;
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object") process.send?.(address?.port);
});
process.once("disconnect", () => process.exit());

function asked(request: IncomingMessage): Dispatcher.RequestOptions {
  const { host: _host, connection: _connection, "transfer-encoding": coding, ...headers } = request.headers;
  if (authorization !== undefined) headers.authorization = authorization;
  const hasBody = headers["content-length"] !== undefined || coding !== undefined;
  // Whatever its client calls it: undici's type knows names only.
  const method = (request.method ?? "GET") as Dispatcher.HttpMethod;
  return { method, path: request.url ?? "/", headers, body: hasBody ? request : null };
}
