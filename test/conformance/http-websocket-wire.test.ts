import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { approverClient } from "../harness/approver.ts";
import { waitingId } from "../harness/waiting.ts";
import { handshake, plainKey, raw } from "../harness/websocket-wire.ts";
import { socketToken, type WebSocketWorld, webSocketWorld } from "../harness/websocket-world.ts";

let world: WebSocketWorld;
let token: string;

beforeAll(async () => {
  world = await webSocketWorld();
  token = (await world.instance.cli("token", "--subject", "robot")).stdout.trim();
});
afterAll(async () => {
  await world?.[Symbol.asyncDispose]();
});

const opening = (path: string, ...more: readonly string[]) => handshake("TOKEN", path, ...more);
const sent = (text: string, later?: Parameters<typeof raw>[2]) => raw(world.base, text.replaceAll("TOKEN", token), later);

describe("an opening that does not have one reading", () => {
  test.each<[string, string]>([
    ["with bytes behind it", `${opening("/live/raw")}\x81\x80\0\0\0\0`],
    ["with a request behind it", opening("/live/raw") + opening("/live/smuggled")],
    ["with a body", `${opening("/live/raw", "Content-Length: 5")}smugg`],
    ["with chunks", `${opening("/live/raw", "Transfer-Encoding: chunked")}0\r\n\r\n`],
    ["with two keys", opening("/live/raw", plainKey)],
    ["with two upgrades", opening("/live/raw", "Upgrade: h2c")],
    ["to another protocol", opening("/live/raw").replace("Upgrade: websocket", "Upgrade: h2c")],
    ["by POST", opening("/live/raw").replace("GET", "POST")],
    ["without a version", opening("/live/raw").replace("Sec-WebSocket-Version: 13\r\n", "")],
    ["with an unknown header of WebSockets", opening("/live/raw", "Sec-WebSocket-Accept: x")],
    ["with a token among its subprotocols", opening("/live/raw", "Sec-WebSocket-Protocol: base64url.bearer.x")],
    ["in HTTP/1.0", opening("/live/raw").replace("HTTP/1.1", "HTTP/1.0")],
  ])("is refused, and nothing reaches the target: %s", async (_, text) => {
    const before = world.upstream.seen.length;
    const answer = await sent(text);
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
    expect(world.upstream.seen).toHaveLength(before);
  });

  test("behind a request that still waits for its answer ends the connection, with what waited on it", async () => {
    const before = world.upstream.seen.length;
    world.upstream.requests.set("/slow", () => {});
    const slow = `GET /slow HTTP/1.1\r\nHost: live.test\r\nAuthorization: Bearer TOKEN\r\n\r\n`;
    expect(await sent(slow + opening("/live/raw"))).toBe("");
    expect(world.upstream.seen).toHaveLength(before);
    expect((await fetch(`${world.base}/other`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
  });

  test("without a token: 401", async () => {
    expect(await sent(opening("/live/raw").replace(/Authorization.*\r\n/, ""))).toMatch(/^HTTP\/1\.1 401 /);
  });

  test("what is exact is opened, and reaches the target as it was decided about", async () => {
    const answer = await sent(opening("/live/raw?name='x'", "Sec-WebSocket-Extensions: permessage-deflate"));
    expect(answer).toMatch(/^HTTP\/1\.1 101 /);
    expect(answer).not.toMatch(/extensions/i);
    expect(world.upstream.last.url).toBe("/live/raw?name='x'");
    await sent(opening("/live/raw?"));
    expect(world.upstream.last.url).toBe("/live/raw?");
  });
});

describe("frames", () => {
  test.each<[string, string, number]>([
    ["that are not masked", "\x81\x02hi", 1002],
    ["that are compressed", "\xc1\x82\0\0\0\0hi", 1002],
    ["of an unknown kind", "\x83\x80\0\0\0\0", 1002],
    ["that go on with nothing", "\x80\x80\0\0\0\0", 1002],
    ["of control in parts", "\x09\x80\0\0\0\0", 1002],
    ["of text that is not UTF-8", "\x81\x81\0\0\0\0\xff", 1007],
    ["that are too large", "\x82\xff\0\0\0\0\x7f\xff\xff\xff\0\0\0\0", 1009],
  ])("%s end it", async (_, frame, code) => {
    const said = world.upstream.said.length;
    const answer = await sent(opening("/live/frames"), async (send, answered) => {
      await answered;
      send(frame);
    });
    const close = Buffer.from(answer.slice(answer.indexOf("\r\n\r\n") + 4), "latin1");
    expect([close[0], close.readUInt16BE(2)]).toEqual([0x88, code]);
    expect(world.upstream.said).toHaveLength(said);
  });

  test("in parts are one message; pings are answered by the target", async () => {
    const answer = sent(opening("/live/frames"), async (send, answered) => {
      await answered;
      send("\x01\x82\0\0\0\0he\x89\x81\0\0\0\0p\x80\x83\0\0\0\0llo");
      await expect.poll(() => world.upstream.said.at(-1)).toBe("hello");
      send("\x88\x82\0\0\0\0\x03\xe8");
    });
    expect(await answer).toContain("\x81\x05hello");
    expect(await answer).toContain("\x8a\x01p");
  });
});

describe("unmodified clients", () => {
  test("curl hears why not", async () => {
    const { program } = await import("../harness/ssh-world.ts");
    const lines = [
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      plainKey,
      `Authorization: Bearer ${token}`,
    ];
    const args = ["-sS", "--http1.1", ...lines.flatMap((line) => ["-H", line])];
    const { stdout } = await program("curl", [...args, `${world.base}/other`]);
    expect(JSON.parse(stdout.toString())).toMatchObject({ code: "denied", detail: expect.stringContaining("http.upgrade") });
  });

  test("the WebSocket of Node, through nginx with TLS", async () => {
    const { WebSocket: Standard } = await import("undici");
    const socket = new Standard(`${world.proxied.replace("http", "ws")}/live/nginx`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const message = Promise.withResolvers<unknown>();
    socket.addEventListener("open", () => socket.send("hello"));
    socket.addEventListener("message", ({ data }) => message.resolve(data));
    socket.addEventListener("error", () => message.reject(new Error("refused")));
    expect(await message.promise).toBe("hello");
    expect(world.upstream.last.headers.authorization).toBe(`Bearer ${socketToken}`);
    const closed = Promise.withResolvers<number>();
    socket.addEventListener("close", ({ code }) => closed.resolve(code));
    socket.close(4000);
    expect(await closed.promise).toBe(4000);
  });
});

describe("the sidecar stops", () => {
  test("open WebSockets are cut on both sides in the words of their protocol, and one that waits is answered", async () => {
    const at = world.base.replace("http", "ws");
    const socket = new WebSocket(`${at}/live/stopping`, { headers: { authorization: `Bearer ${token}` } });
    await once(socket, "open");
    socket.send("hello");
    await once(socket, "message");
    const [target] = world.upstream.open;
    const closing = [once(socket, "close"), once(target ?? socket, "close")];
    const waiting = new WebSocket(`${at}/held/stopping`, { headers: { authorization: `Bearer ${token}` } });
    const refused = once(waiting, "unexpected-response");
    waiting.on("error", () => {});
    const alice = await approverClient(world.instance, "alice");
    await waitingId(alice, "/held/stopping");
    alice[Symbol.dispose]();
    expect(await world.instance.end("SIGTERM")).toBe(0);
    expect(await Promise.all(closing)).toEqual([
      [1008, Buffer.from("The sidecar is shutting down.")],
      [1001, expect.anything()],
    ]);
    const [, response] = await refused;
    expect([response.statusCode, response.headers["content-type"]]).toEqual([503, "application/problem+json"]);
  });
});
