import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testAuthority } from "../harness/certificate.ts";
import { type PostgresServer, startPostgres } from "../harness/postgres.ts";
import { int32, packet, packets, RawClient, text } from "./postgres-entry/raw.ts";
import { logins, World, type WorldOptions } from "./postgres-entry/world.ts";

const authority = testAuthority("sidecar.test");
const tls = { cert: authority.server.certificate, key: authority.server.key };
const withTls: WorldOptions = { listen: { address: { type: "tcp", host: "127.0.0.1", port: 0, tls } } };
const names = { user: "reader", database: "orders-db" };

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres({ sql: logins });
});
afterAll(() => server.stop());

describe("start-up packets", () => {
  it("are the same however they are cut", async () => {
    await using world = await World.open(server);
    const token = await world.token();
    const bytes = packets.startUp(names);
    for (let at = 1; at < bytes.length; at++) {
      const client = RawClient.open(world).send(bytes.subarray(0, at));
      await new Promise(setImmediate);
      client.send(bytes.subarray(at));
      expect((await client.message())?.body).toEqual(int32(3));
      const password = packets.password(token);
      client.send(password.subarray(0, at)).send(password.subarray(at));
      expect((await client.until("Z")).at(-1)?.body.toString()).toBe("I");
      client.socket.destroy();
    }
  });

  it.each([
    ["shorter than a packet can be", int32(7)],
    ["as long as a machine", int32(0x7fffffff)],
    ["of a length that no packet has", int32(10_001)],
    ["without the zero at its end", packet(int32(3 << 16), text("user"), text("reader"))],
    ["with bytes after the zero at its end", packet(int32(3 << 16), text("user"), text("reader"), Buffer.from("\0x"))],
    ["with a name and no value", packet(int32(3 << 16), text("user"))],
    [
      "with a parameter twice",
      packet(int32(3 << 16), text("user"), text("reader"), text("user"), text("writer"), Buffer.alloc(1)),
    ],
    ["in no UTF-8", packet(int32(3 << 16), text("user"), Buffer.from([0xff, 0]), Buffer.alloc(1))],
    ["of protocol 2", packet(int32(2 << 16))],
    ["of protocol 4", packet(int32(4 << 16), Buffer.alloc(1))],
    ["with a body on an encryption request", packet(int32(80877103), text("user"))],
    ["with a key that is too short", packet(int32(80877102), int32(1), Buffer.alloc(3))],
    ["with a key that is too long", packet(int32(80877102), int32(1), Buffer.alloc(257))],
    ["that is a query", Buffer.from("Q\0\0\0\x0cselect 1\0", "latin1")],
  ])("are refused: one %s", async (_what, bytes) => {
    await using world = await World.open(server);
    expect(await RawClient.open(world).send(bytes).refusal()).toMatchObject({ S: "FATAL", C: "08P01" });
    expect(world.defects).toEqual([]);
  });

  it("that stop in the middle end with the time for starting up, and hold no place for longer", async () => {
    await using world = await World.open(server, { startUpMs: 150, bounds: { connections: 4, connectionsPerPrincipal: 4 } });
    const bytes = packets.startUp(names);
    const client = RawClient.open(world).send(bytes.subarray(0, -3));
    await sleep(30);
    // A quarter of the places is for those whom nobody knows yet.
    expect(await RawClient.open(world).refusal()).toMatchObject({ C: "53300" });
    expect(await client.refusal()).toMatchObject({ C: "57014", M: "canceling authentication due to timeout" });
    expect((await RawClient.open(world).login(await world.token())).at(-1)?.type).toBe("Z");
  });

  it("that end in the middle leave nothing behind", async () => {
    await using world = await World.open(server, { bounds: { connections: 4, connectionsPerPrincipal: 4 } });
    for (const cut of [0, 1, 4, 8, 20]) {
      RawClient.open(world).send(packets.startUp(names).subarray(0, cut)).socket.end();
      await sleep(30);
    }
    expect((await RawClient.open(world).login(await world.token())).at(-1)?.type).toBe("Z");
    expect(world.defects).toEqual([]);
  });

  it("name the protocol that is spoken, and the extensions that are not", async () => {
    await using world = await World.open(server);
    const token = await world.token();
    const newer = await RawClient.open(world).login(token, { "_pq_.wings": "2" }, 9999);
    expect(newer[0]).toEqual({ type: "v", body: Buffer.concat([int32((3 << 16) | 2), int32(1), text("_pq_.wings")]) });
    expect(newer.find(({ type }) => type === "K")?.body).toHaveLength(36);
    const older = await RawClient.open(world).login(token, {}, 0);
    expect(older[0]?.type).toBe("R");
    expect(older.find(({ type }) => type === "K")?.body).toHaveLength(8);
    const long = await RawClient.open(world).login(token, {}, 2);
    expect(long[0]?.type).toBe("R");
    expect(long.find(({ type }) => type === "K")?.body).toHaveLength(36);
  });
});

describe("passwords", () => {
  it.each([
    ["another message", Buffer.from("Q\0\0\0\x0cselect 1\0", "latin1")],
    ["nothing in it", Buffer.concat([Buffer.from("p"), int32(4)])],
    ["more than any token has", Buffer.concat([Buffer.from("p"), int32(1 << 20)])],
    ["a zero in the middle", Buffer.concat([Buffer.from("p"), packet(text("a"), text("b"))])],
    ["no zero at its end", Buffer.concat([Buffer.from("p"), packet(Buffer.from("abc"))])],
  ])("are refused: %s", async (_what, bytes) => {
    await using world = await World.open(server);
    const client = RawClient.open(world).send(packets.startUp(names));
    await client.until("R");
    expect(await client.send(bytes).refusal()).toMatchObject({ C: "08P01" });
  });

  it("that are no good token say why, without the token, and nothing that was sent with them is looked at", async () => {
    await using world = await World.open(server);
    const client = RawClient.open(world).send(
      packets.startUp(names),
      packets.password("secret-guess"),
      Buffer.from("Q\0\0\0\x0cselect 1\0", "latin1"),
    );
    const refusal = await client.refusal();
    expect(refusal).toMatchObject({ C: "28P01", M: "The token is refused: it is not three parts of canonical base64url." });
    expect(JSON.stringify(refusal)).not.toContain("guess");
    expect(world.seen.gone).toEqual([]);
  });
});

describe("TLS", () => {
  it("is refused by a socket, and GSSAPI by everybody, each asked once", async () => {
    await using world = await World.open(server);
    const client = RawClient.open(world).send(packets.gss);
    expect(await client.byte()).toBe("N");
    client.send(packets.tls);
    expect(await client.byte()).toBe("N");
    expect(await client.send(packets.tls).refusal()).toMatchObject({ C: "08P01", M: "encryption was asked for twice" });
  });

  it("takes no bytes that came before it for the client's (CVE-2021-23214)", async () => {
    await using world = await World.open(server, withTls);
    for (const request of [packets.tls, packets.gss]) {
      const client = RawClient.open(world).send(request, packets.startUp(names));
      expect(await client.refusal()).toMatchObject({ C: "08P01", M: expect.stringContaining("received unencrypted data after") });
    }
  });

  it("is needed where there is a certificate: nobody is asked for a token without it", async () => {
    await using world = await World.open(server, withTls);
    expect(await RawClient.open(world).send(packets.startUp(names)).refusal()).toMatchObject({
      C: "28000",
      M: expect.stringContaining("TLS only"),
    });
  });

  it("is not asked for again inside itself", async () => {
    await using world = await World.open(server, withTls);
    const client = RawClient.open(world).send(packets.tls);
    expect(await client.byte()).toBe("S");
    expect(await client.secured().send(packets.tls).refusal()).toMatchObject({ C: "08P01" });
  });

  it("may come first when it says that it means PostgreSQL", async () => {
    await using world = await World.open(server, withTls);
    const token = await world.token();
    const client = RawClient.direct(world, { ALPNProtocols: ["postgresql"] });
    expect((await client.login(token)).at(-1)?.type).toBe("Z");
    const unnamed = RawClient.direct(world, {}).send(packets.startUp(names));
    expect(await unnamed.refusal()).toMatchObject({ M: expect.stringContaining("without ALPN") });
    const other = RawClient.direct(world, { ALPNProtocols: ["http/1.1"] });
    expect(await other.message()).toBeUndefined();
  });

  it("that is no TLS ends the connection and nothing else", async () => {
    await using world = await World.open(server, withTls);
    expect(
      await RawClient.open(world)
        .send(Buffer.from([0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5]))
        .message(),
    ).toMatchObject({ type: "\x15" });
    const client = RawClient.open(world).send(packets.tls);
    expect(await client.byte()).toBe("S");
    client.socket.destroy();
    const later = RawClient.open(world).send(packets.tls);
    expect(await later.byte()).toBe("S");
    expect((await later.secured().login(await world.token())).at(-1)?.type).toBe("Z");
    expect(world.defects).toEqual([]);
  });
});
