import { X509Certificate } from "node:crypto";
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openOwnAuthority } from "./own-authority.ts";

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cs-authority-"));
  path = join(folder, "authority.pem");
});
afterAll(() => rm(folder, { recursive: true }));

test("it is made once, and only its owner can read it", async () => {
  const { ca } = await openOwnAuthority(path, Date.now);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await openOwnAuthority(path, Date.now)).ca).toBe(ca);
  expect(ca).not.toContain("PRIVATE KEY");
});

test.each(["sidecar.internal", "localhost", "127.0.0.1", "10.1.2.3", "::1", "fd00::1:2", "::ffff:10.1.2.3"])(
  "a client that trusts it believes a listener to be %s, and nobody else",
  async (name) => {
    const { ca, certify } = await openOwnAuthority(path, Date.now);
    const leaf = new X509Certificate(certify([name]).cert);
    const authority = new X509Certificate(ca);
    expect([leaf.verify(authority.publicKey), leaf.checkIssued(authority), leaf.ca]).toEqual([true, true, false]);
    const found = (one: string) => (/^[\d.]+$|:/.test(one) ? leaf.checkIP(one) : leaf.checkHost(one));
    expect(found(name)).toBe(name);
    expect([leaf.checkHost("other.internal"), leaf.checkIP("127.0.0.2")]).toEqual([undefined, undefined]);
  },
);

test("TLS works with it", async () => {
  const { ca, certify } = await openOwnAuthority(path, Date.now);
  const server = createServer(certify(["sidecar.internal"]), (socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const isTrusted = await new Promise<boolean>((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, ca, servername: "sidecar.internal" }, () => {
      resolve(socket.authorized);
      socket.end();
    });
    socket.once("error", reject);
  });
  server.close();
  expect(isTrusted).toBe(true);
});

test("a file that is none, or that others can read, is refused", async () => {
  const text = await readFile(path, "utf8");
  await chmod(path, 0o644);
  await expect(openOwnAuthority(path, Date.now)).rejects.toThrow(/open to other users/);
  await chmod(path, 0o600);
  const [key = "", certificate = ""] = text.split(/(?<=PRIVATE KEY-----\n)/);
  const strange = join(folder, "other.pem");
  const other = (await openOwnAuthority(strange, Date.now)).ca;
  for (const bad of ["", key, certificate, `${key}${other}`]) {
    await writeFile(strange, bad);
    await expect(openOwnAuthority(strange, Date.now)).rejects.toThrow(/holds no authority/);
  }
});
