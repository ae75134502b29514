import { once } from "node:events";
import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { testAuthority } from "../../harness/certificate.ts";
import { authority, call, connected, openConnector, password, versions } from "./world.ts";

describe.each(versions)("the PostgreSQL connector connecting on the %s server", (version) => {
  const at = connected(version);

  describe("connecting", () => {
    it("tells a wrong password from an unknown database, a closed port and a name that does not resolve", async () => {
      const wrong = openConnector(at.server, { env: { WRITER: "wrong-9", READER: "x" } });
      const failure = await call(wrong, "select 1").catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: "target_credentials", targetCode: "28P01", retryable: false });
      expect(String(failure)).not.toContain("wrong-9");
      await expect(call(openConnector(at.server, { env: {} }), "select 1")).rejects.toMatchObject({ code: "target_credentials" });
      await expect(call(openConnector(at.server, { database: "none" }), "select 1")).rejects.toMatchObject({
        code: "target_unavailable",
        targetCode: "3D000",
        retryable: false,
      });
      await expect(call(openConnector(at.server, { address: "127.0.0.1:1" }), "select 1")).rejects.toMatchObject({
        code: "target_unavailable",
        retryable: true,
      });
      const nowhere = openConnector(at.server, { address: "db.invalid:5432", allowInsecure: true });
      await expect(call(nowhere, "select 1")).rejects.toMatchObject({ code: "target_unavailable" });
    });

    it("takes up a changed password without a restart", async () => {
      const env = { WRITER: password, READER: "rotated-1" };
      const rotating = openConnector(at.server, { env });
      await expect(call(rotating, "select 1", { role: "reader" })).rejects.toMatchObject({ code: "target_credentials" });
      env.READER = "pw-reader-73";
      expect((await call(rotating, "select 1", { role: "reader", readOnly: true })).outcome.state).toBe("succeeded");
      await rotating.close();
    });

    it("gives up on a server that says nothing", async () => {
      const silent = createServer(() => {}).listen(0, "127.0.0.1");
      await once(silent, "listening");
      const address = silent.address();
      const port = typeof address === "object" && address ? address.port : 0;
      const mute = openConnector(at.server, { address: `127.0.0.1:${port}`, pool: { connectTimeoutMs: 200 } });
      await expect(call(mute, "select 1")).rejects.toMatchObject({
        code: "target_unavailable",
        retryable: true,
        message: expect.stringContaining("timeout"),
      });
      silent.close();
    });

    it("does not give its password to a server that asks for it without TLS", async () => {
      let received = "";
      const thief = createServer((socket) => {
        socket.once("data", () => socket.write(Buffer.from("R\0\0\0\x08\0\0\0\x03")));
        socket.on("data", (data) => {
          received += data.toString("latin1");
        });
        socket.on("error", () => {});
      }).listen(0, "127.0.0.1");
      await once(thief, "listening");
      const address = thief.address();
      const port = typeof address === "object" && address ? address.port : 0;
      const robbed = openConnector(at.server, { address: `127.0.0.1:${port}` });
      await expect(call(robbed, "select 1")).rejects.toMatchObject({
        code: "target_credentials",
        message: expect.stringContaining("SCRAM"),
      });
      expect(received).not.toContain(password);
      thief.close();
    });

    it("reaches a server on its Unix socket", async () => {
      const local = openConnector(at.server, { address: `${at.server.folder}/.s.PGSQL.${at.server.port}` });
      expect((await call(local, "select 1", { readOnly: true })).outcome.state).toBe("succeeded");
      expect(local.target("writer").address).toBe(`${at.server.folder}/.s.PGSQL.${at.server.port}`);
      await local.close();
    });

    it("checks a certificate for its authority and its name, and cancels over TLS too", async () => {
      const tls = { mode: "verify-full", ca: authority.ca, serverName: "db.test" };
      const secure = openConnector(at.server, { tls });
      const { rows } = await call(secure, "select ssl from pg_stat_ssl where pid = pg_backend_pid()", { readOnly: true });
      expect(rows).toEqual([["t"]]);
      const timed = await call(secure, "select pg_sleep(20)", { readOnly: true, limits: { timeMs: 100 } });
      expect(timed.outcome).toMatchObject({ failure: { code: "limit_exceeded" } });
      expect(timed.outcome.durationMs).toBeLessThan(2000);
      await secure.close();
      for (const wrong of [{ ...tls, serverName: "other.test" }, { ...tls, ca: testAuthority("db.test").ca }, "verify-full"]) {
        const failure = await call(openConnector(at.server, { tls: wrong }), "select 1").catch((error: unknown) => error);
        expect(failure).toMatchObject({ code: "target_unavailable", retryable: false, message: expect.stringContaining("TLS") });
      }
    });
  });

  it("has an identity that changes with everything that decides what runs where", () => {
    const base = openConnector(at.server).target("writer");
    expect(base).toMatchObject({ type: "postgres", database: "postgres", user: "writer", tls: "disable" });
    const others = [
      openConnector(at.server).target("reader"),
      openConnector(at.server, { database: "other" }).target("writer"),
      openConnector(at.server, { address: "127.0.0.1:1" }).target("writer"),
      openConnector(at.server, { searchPath: ["app", "public"] }).target("writer"),
      openConnector(at.server, { tls: { mode: "verify-full", ca: authority.ca } }).target("writer"),
      openConnector(at.server, { tls: { mode: "verify-full", ca: testAuthority("x").ca } }).target("writer"),
      openConnector(at.server, { tls: { mode: "verify-full", ca: authority.ca, serverName: "db.test" } }).target("writer"),
    ];
    expect(new Set([base, ...others].map((target) => JSON.stringify(target))).size).toBe(others.length + 1);
  });
});
