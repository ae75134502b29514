import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { CountersignError } from "@countersign/policy";
import { base64url, type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Issuer, Tokens } from "./tokens.ts";

const nowMs = 1_800_000_000_000;
const now = () => nowMs;
const seconds = nowMs / 1000;

let keys: { publicKey: CryptoKey; privateKey: CryptoKey };
let server: Server;
let issuerUrl: string;
let jwksStatus = 200;
let discovered: string | undefined;

beforeAll(async () => {
  keys = await generateKeyPair("ES256", { extractable: true });
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: "k1", alg: "ES256", use: "sig" };
  server = createServer((request, response) => {
    response.setHeader("content-type", "application/json");
    response.statusCode = jwksStatus;
    if (request.url === "/.well-known/openid-configuration")
      response.end(JSON.stringify({ issuer: discovered ?? issuerUrl, jwks_uri: `${issuerUrl}/keys` }));
    else response.end(JSON.stringify({ keys: [jwk] }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  issuerUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => void server.close());

function issuer(overrides: Partial<Issuer> = {}): Issuer {
  return {
    ...{ issuer: issuerUrl, audience: "countersign", algorithms: ["ES256"], keys: { type: "jwks", url: `${issuerUrl}/keys` } },
    ...overrides,
  };
}

const claims = (overrides: Record<string, unknown> = {}): JWTPayload => ({
  ...{ iss: issuerUrl, aud: "countersign", sub: "agent-7", iat: seconds - 10, exp: seconds + 600, groups: ["b", "a", "b"] },
  ...overrides,
});

async function sign(payload: JWTPayload, header: Record<string, unknown> = {}, key: CryptoKey | Uint8Array = keys.privateKey) {
  return new SignJWT(payload).setProtectedHeader({ alg: "ES256", kid: "k1", ...header } as { alg: string }).sign(key);
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "accepted";
  } catch (error) {
    return error instanceof CountersignError ? error.code : `thrown: ${String(error)}`;
  }
}

describe("ap-token", () => {
  test("a good token names its principal, with groups sorted and unique", async () => {
    const principal = await new Tokens([issuer()], now).verify(await sign(claims()));
    expect(principal).toMatchObject({ issuer: issuerUrl, subject: "agent-7", groups: ["a", "b"] });
    expect(principal.claims).toMatchObject({ sub: "agent-7" });
  });

  test("keys are found by discovery, and another issuer's document is refused", async () => {
    const byDiscovery = issuer({ keys: { type: "discovery" } });
    expect(await codeOf(new Tokens([byDiscovery], now).verify(await sign(claims())))).toBe("accepted");
    discovered = "https://other.example";
    expect(await codeOf(new Tokens([byDiscovery], now).verify(await sign(claims())))).toBe("unauthenticated");
    discovered = undefined;
  });

  test.each<[string, Record<string, unknown>]>([
    ["expired, past the skew", { exp: seconds - 61 }],
    ["without exp", { exp: undefined }],
    ["without iat", { iat: undefined }],
    ["without sub", { sub: undefined }],
    ["with an empty sub", { sub: "" }],
    ["for another audience", { aud: "countersign-approver" }],
    ["of an issuer that is only alike", { iss: "http://127.0.0.1" }],
    ["issued in the future", { iat: seconds + 120 }],
    ["not valid yet", { nbf: seconds + 120 }],
  ])("a token %s is refused", async (_, overrides) => {
    expect(await codeOf(new Tokens([issuer()], now).verify(await sign(claims(overrides))))).toBe("unauthenticated");
  });

  test("`alg: none` and an HMAC made with the public key are refused", async () => {
    const tokens = new Tokens([issuer()], now);
    expect(await codeOf(tokens.verify(new UnsecuredJWT(claims()).encode()))).toBe("unauthenticated");
    const publicKey = new TextEncoder().encode(JSON.stringify(await exportJWK(keys.publicKey)));
    expect(await codeOf(tokens.verify(await sign(claims(), { alg: "HS256" }, publicKey)))).toBe("unauthenticated");
  });

  test("an algorithm that fits the key but is not configured is refused", async () => {
    expect(await codeOf(new Tokens([issuer({ algorithms: ["RS256"] })], now).verify(await sign(claims())))).toBe(
      "unauthenticated",
    );
  });

  test("an unknown key id, another key and another kind of token are refused", async () => {
    const tokens = new Tokens([issuer()], now);
    const other = await generateKeyPair("ES256");
    expect(await codeOf(tokens.verify(await sign(claims(), { kid: "k2" })))).toBe("unauthenticated");
    expect(await codeOf(tokens.verify(await sign(claims(), {}, other.privateKey)))).toBe("unauthenticated");
    expect(await codeOf(tokens.verify(await sign(claims(), { typ: "dpop+jwt" })))).toBe("unauthenticated");
  });

  test("a second spelling of a token is refused", async () => {
    const tokens = new Tokens([issuer()], now);
    const token = await sign(claims());
    const [header = "", payload = "", signature = ""] = token.split(".");
    const last = signature.at(-1) ?? "";
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    // 64 bytes leave 4 unused bits in the last character: these spell the same bytes.
    const twin = alphabet[(alphabet.indexOf(last) & ~15) | ((alphabet.indexOf(last) + 1) & 15)];
    expect(await codeOf(tokens.verify(`${header}.${payload}.${signature.slice(0, -1)}${twin}`))).toBe("unauthenticated");
    expect(await codeOf(tokens.verify(`${token}=`))).toBe("unauthenticated");
    expect(await codeOf(tokens.verify(`${token}.`))).toBe("unauthenticated");
  });

  test.each(["", "x", "a.b.c", "....", base64url.encode("{}"), "ä.ö.ü", "x".repeat(1_000_000)])(
    "junk is refused without a crash",
    async (junk) => {
      expect(await codeOf(new Tokens([issuer()], now).verify(junk))).toBe("unauthenticated");
    },
  );

  test("when the issuer's keys cannot be fetched, nothing is accepted", async () => {
    jwksStatus = 500;
    expect(await codeOf(new Tokens([issuer()], now).verify(await sign(claims())))).toBe("unauthenticated");
    jwksStatus = 200;
  });

  test("a remembered token is refused once it has expired", async () => {
    let time = nowMs;
    const tokens = new Tokens([issuer()], () => time);
    const token = await sign(claims());
    expect(await codeOf(tokens.verify(token))).toBe("accepted");
    time = nowMs + 662_000;
    expect(await codeOf(tokens.verify(token))).toBe("unauthenticated");
  });
});
