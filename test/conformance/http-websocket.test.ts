import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { RequestState } from "@countersign/rpc";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ClientOptions, WebSocket } from "ws";
import { type ApproverConnection, approverClient, vote, waitForState } from "../harness/approver.ts";
import { handshake, raw } from "../harness/websocket-wire.ts";
import { socketToken, type WebSocketWorld, webSocketWorld } from "../harness/websocket-world.ts";

let world: WebSocketWorld;
let alice: ApproverConnection;
let token: string;

beforeAll(async () => {
  world = await webSocketWorld();
  alice = await approverClient(world.instance, "alice");
  token = (await world.instance.cli("token", "--subject", "robot")).stdout.trim();
});
afterAll(async () => {
  alice?.[Symbol.dispose]();
  await world?.[Symbol.asyncDispose]();
});

function connect(path: string, protocols: string[] = [], options: ClientOptions = {}): WebSocket {
  const { headers, ...rest } = options;
  return new WebSocket(world.base.replace("http", "ws") + path, protocols, {
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...rest,
  });
}

async function opened(...at: Parameters<typeof connect>): Promise<WebSocket> {
  const socket = connect(...at);
  await once(socket, "open");
  return socket;
}

async function heard(socket: WebSocket): Promise<string> {
  const [data] = await once(socket, "message");
  return String(data);
}

async function closing(socket: WebSocket): Promise<{ code: number; reason: string }> {
  const [code, reason] = await once(socket, "close");
  return { code, reason: String(reason) };
}

/** What a client hears instead of a WebSocket. */
async function refusal(socket: WebSocket) {
  const [, response] = await once(socket, "unexpected-response");
  let text = "";
  for await (const part of response) text += part;
  return { status: response.statusCode as number, headers: response.headers, text };
}

/** The request that waits, as an approver finds it. */
async function waitingId(path: string): Promise<string> {
  const found = () =>
    new Promise<string>((resolve, reject) =>
      alice.client.listRequests(
        { states: [RequestState.PENDING], pageSize: 0, pageToken: "" },
        alice.metadata,
        (error, answer) =>
          error === null ? resolve(answer.requests.find(({ headline }) => headline.includes(path))?.id ?? "") : reject(error),
      ),
    );
  let id = "";
  await expect.poll(async () => (id = await found()), { timeout: 10_000 }).not.toBe("");
  return id;
}

describe("a WebSocket", () => {
  test("goes both ways, as text and as bytes, with the target's credential and without the agent's", async () => {
    const socket = await opened("/live/room?name=ab", ["chat.v2", "chat.v1"], {
      headers: { "x-tenant": "t1", cookie: "mine=1" },
    });
    expect(socket.protocol).toBe("chat.v2");
    expect(socket.extensions).toBe("");
    socket.send("hello");
    expect(await heard(socket)).toBe("hello");
    socket.send(Buffer.from([0, 255]));
    const [data, isBinary] = await once(socket, "message");
    expect([data, isBinary]).toEqual([Buffer.from([0, 255]), true]);
    expect(world.upstream.last.url).toBe("/live/room?name=ab");
    expect(world.upstream.last.headers).toMatchObject({ authorization: `Bearer ${socketToken}`, "x-tenant": "t1" });
    expect(world.upstream.last.headers).not.toHaveProperty("cookie");
    expect(world.upstream.last.headers).not.toHaveProperty("sec-websocket-extensions");
    expect(JSON.stringify(world.upstream.last.rawHeaders)).not.toContain(token);
    socket.close(4001, "enough");
    expect(await closing(socket)).toEqual({ code: 4001, reason: "enough" });
    await expect.poll(() => world.upstream.open.size).toBe(0);
  });

  test("is never given the target's credential, wherever the target says it", async () => {
    const socket = await opened("/live/creds");
    socket.send("who am I");
    const said = await heard(socket);
    expect(said).toMatch(/^you are Bearer \*+$/);
    const closed = closing(socket);
    socket.send(`close 4002 ${socketToken}`);
    expect((await closed).reason).toMatch(/^\*+$/);
    world.upstream.instead.set("/live/refused", (target) => {
      const body = `no, Bearer ${socketToken} may not`;
      target.end(
        `HTTP/1.1 403 Forbidden\r\nSet-Cookie: s=1\r\nX-Echo: ${socketToken}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      );
    });
    const { status, headers, text } = await refusal(connect("/live/refused"));
    expect([status, headers["set-cookie"]]).toEqual([403, undefined]);
    expect(text).toMatch(/^no, Bearer \*+ may not$/);
    expect(JSON.stringify(headers)).not.toContain(socketToken);
  });

  test("a redirect is given back, not followed; an answer that is none of a WebSocket server is not passed on", async () => {
    world.upstream.instead.set("/live/moved", (target) =>
      target.end("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"),
    );
    const { status, headers } = await refusal(connect("/live/moved"));
    expect([status, headers.location]).toEqual([302, "http://169.254.169.254/"]);
    world.upstream.instead.set("/live/odd", (target) =>
      target.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
      ),
    );
    const odd = await refusal(connect("/live/odd"));
    expect([odd.status, JSON.parse(odd.text).code]).toEqual([502, "target_error"]);
    world.upstream.instead.set("/live/gone", (target) => target.destroy());
    expect((await refusal(connect("/live/gone"))).status).toBe(502);
  });

  test("closing codes are carried both ways, also that one side has vanished", async () => {
    const closed = async (words: string) => {
      const socket = await opened("/live/closing");
      const end = closing(socket);
      socket.send(words);
      return end;
    };
    expect(await closed("close 4003 by the target")).toEqual({ code: 4003, reason: "by the target" });
    expect((await closed("drop")).code).toBe(1014);
    const socket = await opened("/live/vanishing");
    await expect.poll(() => world.upstream.open.size).toBe(1);
    const [target] = world.upstream.open;
    const heardOf = target && closing(target);
    socket.terminate();
    expect((await heardOf)?.code).toBe(1001);
  });

  test("more bytes than the policy lets through end it, and none of those above reaches the target", async () => {
    const socket = await opened("/short/1");
    socket.send("x".repeat(400));
    expect(await heard(socket)).toHaveLength(400);
    const end = closing(socket);
    socket.send("y".repeat(400));
    expect(await end).toMatchObject({ code: 1008, reason: expect.stringContaining("1000 bytes") });
    expect(world.upstream.said.some((one) => one.includes("yy"))).toBe(false);
  });
});

describe("policy", () => {
  test("no rule covers a WebSocket that does not look at http.upgrade, neither one that allows nor one that holds", async () => {
    const before = world.upstream.seen.length;
    for (const path of ["/other", "/swept/1"]) {
      const { status, text } = await refusal(connect(path));
      expect([status, JSON.parse(text).detail]).toEqual([403, expect.stringContaining("http.upgrade")]);
    }
    expect(world.upstream.seen).toHaveLength(before);
    expect((await fetch(`${world.base}/other`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
  });

  test("held: the answer waits, and it opens once, when somebody has agreed", async () => {
    const before = world.upstream.seen.length;
    const socket = connect("/held/1");
    const open = once(socket, "open");
    const id = await waitingId("/held/1");
    expect(world.upstream.seen).toHaveLength(before);
    await vote(alice, id, "approve");
    await open;
    socket.send("hello");
    expect(await heard(socket)).toBe("hello");
    expect(world.upstream.last.headers["x-api-key"]).toBe(socketToken);
    socket.close();
    const { outcome } = await waitForState(alice, id, RequestState.SUCCEEDED);
    expect(JSON.stringify(outcome)).toContain("10");
    expect(world.upstream.seen).toHaveLength(before + 1);
  });

  test("denied: 403, and the same again within a minute is answered the same, without another request", async () => {
    const before = world.upstream.seen.length;
    const denied = refusal(connect("/held/2"));
    const id = await waitingId("/held/2");
    await vote(alice, id, "deny");
    const { status, text } = await denied;
    expect([status, JSON.parse(text).requestId]).toEqual([403, id]);
    const again = await refusal(connect("/held/2"));
    expect([again.status, JSON.parse(again.text).requestId]).toEqual([403, id]);
    const other = (await world.instance.cli("token", "--subject", "another")).stdout.trim();
    const asked = connect("/held/2", [], { headers: { authorization: `Bearer ${other}` } });
    asked.on("error", () => {});
    expect(await waitingId("/held/2")).not.toBe(id);
    asked.terminate();
    expect(world.upstream.seen).toHaveLength(before);
  });

  test("a client that leaves takes its request back; one that does not wait is refused", async () => {
    const before = world.upstream.seen.length;
    const socket = connect("/held/3");
    socket.on("error", () => {});
    const id = await waitingId("/held/3");
    socket.terminate();
    await waitForState(alice, id, RequestState.CANCELLED);
    const early = raw(world.base, handshake(token, "/held/4"), async (send) => {
      await waitingId("/held/4");
      send("\x81\x80\0\0\0\0");
    });
    expect(await early).toMatch(/^HTTP\/1\.1 400 [\s\S]*before the WebSocket was open/);
    expect(world.upstream.seen).toHaveLength(before);
  });
});

describe("revocation", () => {
  test("cuts an open WebSocket in less than a quarter of a second, on both sides", async () => {
    const mallory = (await world.instance.cli("token", "--subject", "mallory")).stdout.trim();
    const socket = await opened("/live/cut", [], { headers: { authorization: `Bearer ${mallory}` } });
    socket.send("hello");
    await heard(socket);
    const closed = closing(socket);
    const [target] = [...world.upstream.open].slice(-1);
    const gone = target && closing(target);
    const { iss } = JSON.parse(Buffer.from(mallory.split(".")[1] ?? "", "base64url").toString()) as { iss: string };
    const lock = ["lock", "principal", "mallory", "--issuer", iss, "--reason", "test", "--as", "alice"];
    expect(await world.instance.cli(...lock)).toMatchObject({ code: 0 });
    const cutAt = performance.now();
    expect(await closed).toMatchObject({ code: 1008, reason: expect.stringContaining("locked") });
    await gone;
    expect(performance.now() - cutAt).toBeLessThan(250);
    const { status } = await refusal(connect("/live/cut", [], { headers: { authorization: `Bearer ${mallory}` } }));
    expect(status).toBe(403);
    const folder = join(world.instance.folder, "export");
    expect((await world.instance.cli("audit", "export", folder)).code).toBe(0);
    const records = readFileSync(join(folder, "records.jsonl"), "utf8").split("\n");
    const ofMallory = records.filter((line) => line.includes("mallory"));
    expect(ofMallory.some((line) => line.includes('"refusal"') && line.includes('"revoked"'))).toBe(true);
    const [outcome] = ofMallory.filter((line) => line.includes('"outcome"'));
    expect(JSON.parse(outcome ?? "{}").detail).toMatchObject({ state: "failed", code: "revoked", status: 101, bytes: 10 });
    for (const secret of [socketToken, mallory, token]) expect(records.join()).not.toContain(secret);
  });
});
