/**
 * Runs the kubectl commands of `reads.txt` and `writes.txt` against a server of its own that knows just enough to keep kubectl going, and
 * writes the requests that arrived, each once, to `reads.jsonl` and `writes.jsonl`. See README.md.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { answer } from "./server.ts";

interface Recorded {
  readonly command: string;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body?: { readonly text: string } | { readonly binary: string };
}

/** Headers that say something about the request, not about kubectl's build or the connection. */
const kept = /^(?:accept|content-type|upgrade|connection|x-stream-protocol-version|sec-websocket-protocol|impersonate-.*)$/;
const here = new URL(".", import.meta.url).pathname;
const home = mkdtempSync(join(tmpdir(), "kubectl-"));
const recorded: Recorded[] = [];
let command = "";

const server = createServer((request, response) => {
  serve(request, response).catch((error: Error) => response.destroy(error));
});
// An upgrade is recorded and refused: kubectl then falls back to SPDY, which is recorded too.
server.on("upgrade", (request, socket) => {
  record(request, Buffer.alloc(0));
  socket.end("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
});

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const bytes = await read(request);
  record(request, bytes);
  const { status, type, body } = answer(request.method ?? "", request.url ?? "", bytes.toString());
  response.writeHead(status, { "content-type": type }).end(body);
}

async function read(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

function record({ method = "", url = "", rawHeaders }: IncomingMessage, bytes: Buffer): void {
  const headers = rawHeaders.flatMap((name, index): [string, string][] =>
    index % 2 === 0 && kept.test(name.toLowerCase()) ? [[name.toLowerCase(), rawHeaders[index + 1] ?? ""]] : [],
  );
  const text = bytes.toString();
  const body = Buffer.from(text).equals(bytes) ? { text } : { binary: bytes.toString("base64url") };
  recorded.push({ command, method, path: url, headers, ...(bytes.length > 0 ? { body } : {}) });
}

function kubectl(port: number, line: string): Promise<void> {
  const server = `--server=http://127.0.0.1:${port}`;
  const args = line.split(" ").map((word) => word.replace("FILES", join(here, "objects")));
  const env = { PATH: process.env.PATH, HOME: home, KUBECONFIG: join(home, "none"), KUBE_CACHE: join(home, "cache") };
  return new Promise((resolve) => {
    const child = execFile("kubectl", [server, `--cache-dir=${join(home, "cache")}`, ...args], { env, timeout: 5000 }, () =>
      resolve(),
    );
    child.stdin?.end("echo typed\n");
  });
}

async function run(port: number, name: string): Promise<void> {
  const lines = readFileSync(join(here, `${name}.txt`), "utf8").split("\n");
  recorded.length = 0;
  for (const line of lines.filter((text) => text !== "" && !text.startsWith("#"))) {
    command = line;
    await kubectl(port, line);
  }
  const distinct = new Map(recorded.map((one): [string, Recorded] => [JSON.stringify({ ...one, command: "" }), one]).reverse());
  writeFileSync(
    join(here, `${name}.jsonl`),
    `${[...distinct.values()]
      .reverse()
      .map((one) => JSON.stringify(one))
      .join("\n")}\n`,
  );
  console.log(`${name}: ${recorded.length} requests, ${distinct.size} distinct`);
}

server.listen(0, "127.0.0.1", async () => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  for (const name of ["reads", "writes"]) await run(address.port, name);
  rmSync(home, { recursive: true });
  server.close();
  server.closeAllConnections();
});
