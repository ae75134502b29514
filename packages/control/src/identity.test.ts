import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { SignJWT, UnsecuredJWT } from "jose";
import { expect, test } from "vitest";
import { agentAudience, approverAudience, developmentIssuer, signDevelopmentToken } from "./development-issuer.ts";
import { Approvers, developmentIdentity } from "./identity.ts";

const nowMs = Date.UTC(2026, 0, 1);
const now = nowMs / 1000;
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const approvers = new Approvers([{ name: "alice", groups: ["leads", "dba", "dba"] }]);
const identity = developmentIdentity(approvers, publicKey, () => nowMs);
const good = {
  iss: developmentIssuer,
  aud: approverAudience as string | string[],
  sub: "alice",
  iat: now,
  exp: now + 600,
  groups: ["root"],
};

function token(
  claims: Partial<typeof good> | Record<string, undefined> = {},
  header: object = {},
  key: KeyObject | Uint8Array = privateKey,
) {
  return new SignJWT({ ...good, ...claims }).setProtectedHeader({ alg: "EdDSA", typ: "JWT", ...header }).sign(key);
}

test("a good token names a configured approver, with the configuration's groups", async () => {
  expect(await identity.verify(await token())).toEqual({
    approver: { issuer: developmentIssuer, subject: "alice", groups: ["dba", "leads"] },
    expiresMs: nowMs + 600_000,
  });
  const made = await signDevelopmentToken(
    { subject: "alice", audience: approverAudience, nowMs, lifetimeSeconds: 60 },
    privateKey,
  );
  expect(await identity.verify(made)).toMatchObject({ expiresMs: nowMs + 60_000 });
});

const spkiPem = Buffer.from(publicKey.export({ type: "spki", format: "pem" }));
const bad: Record<string, () => Promise<string> | string> = {
  "an agent's token": () =>
    signDevelopmentToken({ subject: "alice", audience: agentAudience, nowMs, lifetimeSeconds: 60 }, privateKey),
  "a token for several audiences": () => token({ aud: [approverAudience, agentAudience] }),
  "another issuer": () => token({ iss: "https://elsewhere" }),
  "a subject that is not configured": () => token({ sub: "mallory" }),
  "no subject": () => token({ sub: undefined }),
  "no expiry": () => token({ exp: undefined }),
  "no time of issue": () => token({ iat: undefined }),
  "one that has expired": () => token({ exp: now - 61 }),
  "one from the future": () => token({ iat: now + 61 }),
  "one that is not valid yet": () => token({ nbf: now + 61 } as Partial<typeof good>),
  "another key": () => token({}, {}, generateKeyPairSync("ed25519").privateKey),
  "the public key used as a secret": () => token({}, { alg: "HS256" }, spkiPem),
  "no signature": () => new UnsecuredJWT(good).encode(),
  "another type": () => token({}, { typ: "at+jwt" }),
  "an unknown critical header": async () =>
    (await token({}, { typ: "JWT" })).replace(
      /^[^.]+/,
      Buffer.from(JSON.stringify({ alg: "EdDSA", typ: "JWT", crit: ["x"], x: 1 })).toString("base64url"),
    ),
  "a huge token": () => `${"a".repeat(9000)}.a.a`,
  "no token": () => "",
  "four parts": async () => `${await token()}.`,
};

test.each(Object.keys(bad))("%s is refused", async (name) => {
  await expect(identity.verify((await bad[name]?.()) ?? "")).rejects.toMatchObject({ code: "unauthenticated" });
});

test("a token has one spelling", async () => {
  const text = await token();
  const last = text.at(-1) ?? "";
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  // 64 bytes leave two unused bits in the last character: a lenient decoder takes four spellings.
  const respelled = [...alphabet].filter((letter) => letter !== last).map((letter) => text.slice(0, -1) + letter);
  for (const one of [...respelled, `${text}=`, `${text} `]) {
    await expect(identity.verify(one)).rejects.toMatchObject({ code: "unauthenticated" });
  }
});

test("a token that was right is right until its end, and no longer; what differs from it is not", async () => {
  let time = nowMs;
  const patient = developmentIdentity(approvers, publicKey, () => time);
  const text = await token();
  await patient.verify(text);
  time += 599_999;
  expect(await patient.verify(text)).toMatchObject({ expiresMs: nowMs + 600_000 });
  const forged = `${text.slice(0, text.lastIndexOf(".") + 1)}${Buffer.alloc(64, 1).toString("base64url")}`;
  await expect(patient.verify(forged)).rejects.toMatchObject({ code: "unauthenticated" });
  time += 60_001;
  await expect(patient.verify(text)).rejects.toMatchObject({ code: "unauthenticated" });
});

test("whoever ceases to be an approver is refused with a token that was right before", async () => {
  const people = new Approvers([{ name: "alice", groups: [] }]);
  const patient = developmentIdentity(people, publicKey, () => nowMs);
  const text = await token();
  await patient.verify(text);
  people.get = () => undefined;
  await expect(patient.verify(text)).rejects.toMatchObject({ code: "unauthenticated" });
});
