import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Countersign, CountersignError } from "@countersign/sdk";
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testAuthority } from "../harness/certificate.ts";
import { Instance } from "../harness/instance.ts";

let issuer: Server;
let issuerUrl: string;
let keys: { publicKey: CryptoKey; privateKey: CryptoKey };
let instance: Instance;
let ca: string;

beforeAll(async () => {
  keys = await generateKeyPair("ES256", { extractable: true });
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: "k1", alg: "ES256", use: "sig" };
  issuer = createServer((request, response) => {
    response.setHeader("content-type", "application/json");
    if (request.url === "/.well-known/openid-configuration")
      response.end(JSON.stringify({ issuer: issuerUrl, jwks_uri: `${issuerUrl}/keys` }));
    else response.end(JSON.stringify({ keys: [jwk] }));
  });
  await new Promise<void>((resolve) => issuer.listen(0, "127.0.0.1", resolve));
  issuerUrl = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}`;
  const authority = testAuthority("localhost");
  ca = authority.ca;
  instance = await Instance.start({
    config: `sidecar:
  listen:
    - unix: agent.sock
      principal: { subject: local-agent }
    - tcp: 127.0.0.1:0
      tls: { cert: server.crt, key: server.key }
identity:
  issuers:
    - issuer: ${issuerUrl}
      audience: countersign
      algorithms: [ES256]
      ownerClaim: owner
`,
    files: { "server.crt": authority.server.certificate, "server.key": authority.server.key },
  });
});
afterAll(async () => {
  await instance?.[Symbol.asyncDispose]();
  issuer?.close();
});

async function token(claims: Record<string, unknown> = {}): Promise<string> {
  const seconds = Math.floor(Date.now() / 1000);
  const payload = {
    iss: issuerUrl,
    aud: "countersign",
    sub: "ci-job",
    iat: seconds,
    exp: seconds + 300,
    owner: "alice",
    ...claims,
  };
  return new SignJWT(payload).setProtectedHeader({ alg: "ES256", kid: "k1" }).sign(keys.privateKey);
}

/** The TCP listener, by the name in its certificate. */
function onLocalhost(): string {
  return (instance.at.agents[1] ?? "").replace("127.0.0.1", "localhost");
}

function overTls(bearer?: string): Countersign {
  return new Countersign({
    address: onLocalhost(),
    tls: { ca },
    ...(bearer === undefined ? {} : { token: bearer }),
  });
}

async function codeOf(cs: Countersign): Promise<string> {
  try {
    await cs.postgres("orders-db").query("select 1 as one");
    return "succeeded";
  } catch (error) {
    return error instanceof CountersignError ? error.code : String(error);
  } finally {
    await cs.close();
  }
}

test("an agent elsewhere, over TLS, is known by the token of a configured issuer", async () => {
  expect(await codeOf(overTls(await token()))).toBe("succeeded");
});

test("over TCP there is no identity without a token", async () => {
  expect(await codeOf(overTls())).toBe("unauthenticated");
  expect(await codeOf(overTls(await token({ aud: "other" })))).toBe("unauthenticated");
  expect(await codeOf(overTls(await token({ exp: 1000 })))).toBe("unauthenticated");
});

test("a certificate that the client does not trust is an error that says so", async () => {
  const cs = new Countersign({ address: onLocalhost(), tls: {}, token: await token() });
  expect(await codeOf(cs)).toBe("sidecar_unreachable");
});

test("ap-self: the agent's owner is not asked", async () => {
  await using cs = overTls(await token());
  const { id } = await cs.submit({
    kind: "postgres.query",
    resource: "orders-db",
    statement: "delete from orders where id = 1",
    parameters: [],
  });
  const byOwner = await instance.cli("approve", id, "--as", "alice", "--yes");
  expect(byOwner.code).not.toBe(0);
  const byAnother = await instance.cli("approve", id, "--as", "bob", "--yes");
  expect(byAnother).toMatchObject({ code: 0 });
  expect(await (await cs.request(id)).result()).toMatchObject({ state: "succeeded" });
});

test("no password and no token is in a log line or a record", async () => {
  const bearer = await token();
  await codeOf(overTls(bearer));
  const folder = join(instance.folder, "export");
  await instance.cli("audit", "export", folder);
  const written = readFileSync(join(folder, "records.jsonl"), "utf8") + instance.log;
  for (const secret of [...instance.secrets, bearer]) expect(written.includes(secret)).toBe(false);
});
