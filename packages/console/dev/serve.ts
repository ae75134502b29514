import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { extname } from "node:path";
import type { MockApi } from "./mock-api.ts";

/** The policy under which the control plane serves the page. */
export const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const types: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".svg": "image/svg+xml",
  ".woff2": "font/woff2",
};

/** Serves the built page with the mock API, as the control plane would: any other path is the page itself. */
export async function serveBuilt(api: Pick<MockApi, "handle">): Promise<{ server: Server; origin: string }> {
  const dist = new URL("../dist/", import.meta.url);
  const server = createServer(async (request, response) => {
    if (api.handle(request, response)) return;
    const path = new URL(request.url ?? "/", "http://console").pathname.slice(1);
    const file = /^(?:assets\/)?[\w.-]+$/.test(path) && extname(path) in types ? path : "index.html";
    response.setHeader("content-security-policy", contentSecurityPolicy);
    response.setHeader("content-type", types[extname(file)] ?? "application/octet-stream");
    response.end(await readFile(new URL(file, dist)).catch(() => ""));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port");
  return { server, origin: `http://127.0.0.1:${address.port}` };
}
