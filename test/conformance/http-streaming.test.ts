import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSqliteLogSource } from "../../packages/control/src/log/sqlite-log-source.ts";
import { residentMb } from "../bench/process.ts";
import { type ApproverConnection, approverClient } from "../harness/approver.ts";
import { type HttpWorld, httpWorld } from "../harness/http-world.ts";

const policy = `version: 1
rules:
  - { id: reading-is-free, when: http.readOnly, effect: allow, role: reader }
  - { id: uploads, when: http.method == "PUT" && http.streamed, effect: allow, role: reader }
  - id: reports
    when: http.method == "POST" && http.segments[0] == "reports"
    effect: review
    role: reader
    approval: { stages: [{ approvers: [group:dba-oncall] }] }
`;

/** A target that reads and writes as a test says. */
const handlers = new Map<string, (request: IncomingMessage, response: ServerResponse) => void>();
const target = createServer((request, response) => {
  response.on("error", () => {});
  handlers.get(request.url ?? "")?.(request, response);
});

let world: HttpWorld;
let port: number;
let token: string;
const sockets: Socket[] = [];

beforeAll(async () => {
  await new Promise<void>((resolve) => target.listen(0, "127.0.0.1", resolve));
  const at = target.address() as AddressInfo;
  const slow = `  - name: slow
    type: http
    origin: http://127.0.0.1:${at.port}
    tls: disable
    allowPrivate: true
    roles: { reader: { bearer: { file: token } } }
sidecar: { http: [{ tcp: "127.0.0.1:0", resource: slow }] }
`;
  world = await httpWorld(slow, {}, policy);
  port = Number(new URL(world.instance.at.http[0]?.url ?? "").port);
  token = await tokenOf("robot");
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  target.closeAllConnections();
  target.close();
  await world?.[Symbol.asyncDispose]();
});

async function tokenOf(subject: string): Promise<string> {
  return (await world.instance.cli("token", "--subject", subject)).stdout.trim();
}

/** A client's connection on which a request was begun. */
function begin(line: string, headers: readonly string[], by = token): Socket {
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  socket.on("error", () => {});
  socket.write([`${line} HTTP/1.1`, "Host: slow", `Authorization: Bearer ${by}`, ...headers, "", ""].join("\r\n"));
  return socket;
}

function answer(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    socket.on("data", (data) => {
      text += data.toString("latin1");
      if (/\r\n\r\n[\s\S]*\}$/.test(text)) resolve(text);
    });
    socket.on("close", () => resolve(text));
  });
}

/** Takes what is sent and says how much it was. */
function takeAll(request: IncomingMessage, response: ServerResponse): void {
  let bytes = 0;
  request.on("data", (data: Buffer) => (bytes += data.length));
  request.on("end", () => response.end(JSON.stringify({ bytes, coding: request.headers["transfer-encoding"] ?? "" })));
}

interface Shared {
  readonly type: string;
  readonly detail: Record<string, number>;
}

/** What the log says of allowed requests, added up. */
async function counted(): Promise<{ readonly count: number; readonly unknown: number }> {
  const log = openSqliteLogSource(join(world.instance.data, "audit.db"));
  try {
    let [count, unknown] = [0, 0];
    for await (const { bytes } of log.records(0)) {
      const { type, detail }: Shared = JSON.parse(Buffer.from(bytes).toString());
      if (type !== "statements" || detail.part !== 1) continue;
      count += detail.count ?? 0;
      unknown += detail.unknown ?? 0;
    }
    return { count, unknown };
  } finally {
    log.close();
  }
}

const mebibyte = 1024 * 1024;

describe("a body that is larger than is looked at", () => {
  const large = Buffer.alloc(6 * mebibyte, "x");
  const send = (path: string, method: string, chunked: boolean) =>
    fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(chunked ? { body: new Blob([large]).stream(), duplex: "half" } : { body: large }),
    } as RequestInit);

  test.each([false, true])("goes on as it comes where a rule looks at that; in chunks: %s", async (chunked) => {
    handlers.set("/upload", takeAll);
    const response = await send("/upload", "PUT", chunked);
    expect(await response.json()).toEqual({ bytes: large.length, coding: chunked ? "chunked" : "" });
    expect(response.headers.get("countersign-request")).toMatch(/^req_/);
  });

  test("is not put before people, and is no matter of a rule that does not look at it", async () => {
    handlers.set("/reports", () => expect.unreachable());
    for (const [path, method, why] of [
      ["/reports", "POST", /nobody can look through/],
      ["/other", "PATCH", /no rule allows/],
    ] as const)
      for (const chunked of [false, true]) {
        const response = await send(path, method, chunked);
        expect(response.status).toBe(413);
        expect(await response.text()).toMatch(why);
      }
  });
});

describe("neither side's slowness is held in memory", () => {
  test("a target that does not read stops its client", async () => {
    const { promise: go, resolve: read } = Promise.withResolvers<void>();
    handlers.set("/stalled", (request, response) => void go.then(() => takeAll(request, response)));
    const bytes = 96 * mebibyte;
    const socket = begin("PUT /stalled", [`Content-Length: ${bytes}`]);
    const beforeMb = residentMb(world.instance.pid);
    const part = Buffer.alloc(mebibyte, "x");
    let left = bytes / mebibyte;
    const push = () => {
      while (left > 0) {
        left--;
        if (!socket.write(part)) {
          socket.once("drain", push);
          return;
        }
      }
    };
    push();
    // Until nothing moves any more.
    for (let before = -1; before !== left; await new Promise((resolve) => setTimeout(resolve, 150))) before = left;
    expect(left).toBeGreaterThan(48);
    expect(residentMb(world.instance.pid) - beforeMb).toBeLessThan(40);
    const answered = answer(socket);
    read();
    expect(await answered).toContain(`{"bytes":${bytes}`);
    socket.destroy();
  });

  test("a client that does not read stops the target", async () => {
    let sent = 0;
    const part = Buffer.alloc(mebibyte, "x");
    const { promise: cut, resolve: left } = Promise.withResolvers<void>();
    handlers.set("/flood", (_request, response) => {
      response.on("close", left);
      const push = () => {
        while (!response.destroyed && sent < 512) {
          sent++;
          if (!response.write(part)) {
            response.once("drain", push);
            return;
          }
        }
      };
      push();
    });
    const beforeMb = residentMb(world.instance.pid);
    const socket = begin("GET /flood", []);
    socket.pause();
    await expect.poll(() => sent).toBeGreaterThan(0);
    for (let before = -1; before !== sent; await new Promise((resolve) => setTimeout(resolve, 150))) before = sent;
    expect(sent).toBeLessThan(64);
    expect(residentMb(world.instance.pid) - beforeMb).toBeLessThan(40);
    socket.destroy();
    await cut;
  });
});

describe("a body in whose middle something happens", () => {
  /** Begins an upload of which the target has seen the beginning. */
  async function half(path: string, by = token): Promise<{ readonly socket: Socket; readonly cut: Promise<boolean> }> {
    const seen = Promise.withResolvers<void>();
    const cut = Promise.withResolvers<boolean>();
    handlers.set(path, (request) => {
      request.on("error", () => {});
      request.on("data", () => seen.resolve());
      request.on("close", () => cut.resolve(request.complete));
    });
    const socket = begin(`PUT ${path}`, [`Content-Length: ${8 * mebibyte}`], by);
    socket.write(Buffer.alloc(5 * mebibyte, "x"));
    await seen.promise;
    return { socket, cut: cut.promise };
  }

  test("its client leaves: the target sees that it is not whole, and nobody can tell what it did with it", async () => {
    const before = await counted();
    const { socket, cut } = await half("/leaves");
    socket.destroy();
    expect(await cut).toBe(false);
    await expect.poll(async () => (await counted()).unknown, { timeout: 5000 }).toBe(before.unknown + 1);
  });

  test("its caller is locked out: it is cut off at once, and what comes next is refused", async () => {
    const other = await tokenOf("locked");
    const { socket, cut } = await half("/locked", other);
    using alice = await approverClient(world.instance, "alice");
    const answered = answer(socket);
    await lock(alice, "locked");
    expect(await cut).toBe(false);
    expect(await answered).toMatch(/^HTTP\/1\.1 403 [\s\S]*"code":"revoked"/);
    expect(await answer(begin("GET /", ["Connection: close"], other))).toMatch(/^HTTP\/1\.1 403 [\s\S]*"code":"revoked"/);
  });
});

function lock({ client, metadata }: ApproverConnection, subject: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const issuer = `${JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()).iss}`;
    const principal = { target: { $case: "principal" as const, value: { issuer, subject } } };
    client.lock({ target: principal, reason: "test" }, metadata, (error) => (error ? reject(error) : resolve()));
  });
}

describe("the log", () => {
  test("counts every request that was allowed, of several callers on one connection too", async () => {
    handlers.set("/counted", (_request, response) => response.end("{}"));
    const before = await counted();
    const others = [token, await tokenOf("somebody"), await tokenOf("else")];
    const socket = begin("GET /counted", ["Connection: keep-alive"]);
    let text = "";
    socket.on("data", (data) => (text += data));
    for (let n = 0; n < 59; n++)
      socket.write(`GET /counted HTTP/1.1\r\nHost: slow\r\nAuthorization: Bearer ${others[n % 3]}\r\n\r\n`);
    await expect.poll(() => text.match(/HTTP\/1\.1 200/g)?.length, { timeout: 5000 }).toBe(60);
    socket.destroy();
    await expect.poll(async () => (await counted()).count, { timeout: 5000 }).toBe(before.count + 60);
  });

  test("says of what was under way when the sidecar was killed that nobody can tell", async () => {
    const before = await counted();
    const { promise: arrived, resolve } = Promise.withResolvers<void>();
    handlers.set("/hangs", () => resolve());
    begin("GET /hangs", []);
    await arrived;
    await world.instance.end("SIGKILL");
    await world.instance.up();
    const after = await counted();
    expect([after.count, after.unknown]).toEqual([before.count + 1, before.unknown + 1]);
    expect((await world.instance.cli("audit", "verify")).code).toBe(0);
  });
});
