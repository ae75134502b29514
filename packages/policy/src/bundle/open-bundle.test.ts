import { generateKeyPairSync, sign } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson, type Json } from "../canonical.ts";
import { createBundle, policyDigest } from "./bundle.ts";
import { BundleError } from "./bundle-error.ts";
import { keyIdOf, parsePublicKey, publicKeyText } from "./bundle-key.ts";
import { type BundleTrust, openBundle } from "./open-bundle.ts";

const [ours, next, mallory] = [1, 2, 3].map(() => generateKeyPairSync("ed25519").privateKey);
if (!ours || !next || !mallory) throw new Error("no keys");
const files = { "policy.yaml": "version: 1\nrules: []\n", "rules/more.yaml": "version: 1\nrules: [] # ünïcode\n" };
const nowMs = Date.UTC(2026, 6, 1);
const terms = { version: 7, issuedMs: nowMs - 1000 };
const trust: BundleTrust = { nowMs, trustedKeys: [ours] };
const signed = createBundle(files, terms, [ours]);

function refusal(bytes: Uint8Array | string, held: BundleTrust = trust): string {
  try {
    openBundle(typeof bytes === "string" ? Buffer.from(bytes) : bytes, held);
    return "opened";
  } catch (error) {
    return error instanceof BundleError ? error.code : `untyped: ${error}`;
  }
}

/** The bundle with parts replaced, written canonically. */
function changed(parts: Record<string, Json | undefined>, bundle: Uint8Array = signed): string {
  return canonicalJson({ ...JSON.parse(Buffer.from(bundle).toString()), ...parts });
}

test("a signed bundle opens with what was put in, and says who signed it", () => {
  expect(openBundle(signed, trust)).toEqual({
    ...{ format: "countersign/policy-bundle/v1", version: 7, issuedMs: nowMs - 1000, partial: false, files },
    digest: policyDigest(files),
    signedBy: [keyIdOf(ours)],
  });
  expect(createBundle(files, terms, [ours])).toEqual(signed);
});

test("without keys a bundle needs no signature; with keys it does, and an empty list trusts nobody", () => {
  const plain = createBundle(files, terms);
  expect(openBundle(plain, { nowMs }).signedBy).toEqual([]);
  expect(refusal(plain)).toBe("unsigned");
  expect(refusal(signed, { nowMs, trustedKeys: [] })).toBe("untrusted");
  expect(refusal(changed({ signatures: [] }))).toBe("unsigned");
  expect(refusal(createBundle(files, terms, [mallory]))).toBe("untrusted");
});

test("while keys are rotated, either the old or the new one is enough", () => {
  const both = createBundle(files, terms, [ours, next]);
  expect(openBundle(both, { nowMs, trustedKeys: [next] }).signedBy).toEqual([keyIdOf(next)]);
  expect(openBundle(both, { nowMs, trustedKeys: [ours] }).signedBy).toEqual([keyIdOf(ours)]);
  expect(openBundle(both, { nowMs, trustedKeys: [next, ours] }).signedBy).toEqual([keyIdOf(ours), keyIdOf(next)]);
});

test("what was signed cannot be changed, with or without its digest made to fit", () => {
  const other = { "policy.yaml": "version: 1\nrules: [] # all is well\n" };
  expect(refusal(changed({ files: other }))).toBe("digest_mismatch");
  expect(refusal(changed({ files: other, digest: policyDigest(other) }))).toBe("bad_signature");
  expect(refusal(changed({ version: 8 }))).toBe("bad_signature");
  expect(refusal(changed({ issuedMs: nowMs }))).toBe("bad_signature");
  expect(refusal(changed({ expiresMs: nowMs + 1000 }))).toBe("bad_signature");
  expect(refusal(changed({ partial: true }))).toBe("bad_signature");
  const limited = createBundle(files, { ...terms, expiresMs: nowMs + 1000 }, [ours]);
  expect(refusal(changed({ expiresMs: undefined }, limited))).toBe("bad_signature");
});

test("a signature over the same content for another purpose is none", () => {
  const { signatures: _, ...content } = JSON.parse(signed.toString());
  for (const domain of ["", "countersign/vote/v1\n", "countersign/policy-bundle/v2\n"]) {
    const value = sign(null, Buffer.from(`${domain}${canonicalJson(content)}`), ours).toString("base64url");
    expect(refusal(changed({ signatures: [{ keyId: keyIdOf(ours), value }] })), domain).toBe("bad_signature");
  }
});

test("a known key's wrong signature is not excused by another's right one; a stranger's is not looked at", () => {
  const [own] = JSON.parse(signed.toString()).signatures;
  const wrong = { keyId: keyIdOf(next), value: own.value };
  expect(refusal(changed({ signatures: [own, wrong] }), { nowMs, trustedKeys: [ours, next] })).toBe("bad_signature");
  expect(refusal(changed({ signatures: [own, wrong] }))).toBe("opened");
  expect(refusal(changed({ signatures: [own, own] }))).toBe("malformed");
});

test("an older bundle does not come back, nor another of the same version", () => {
  const digest = policyDigest(files);
  expect(refusal(signed, { ...trust, after: { version: 6, digest: policyDigest({ a: "" }) } })).toBe("opened");
  expect(refusal(signed, { ...trust, after: { version: 7, digest } })).toBe("opened");
  expect(refusal(signed, { ...trust, after: { version: 7, digest: policyDigest({ a: "" }) } })).toBe("rolled_back");
  expect(refusal(signed, { ...trust, after: { version: 8, digest } })).toBe("rolled_back");
});

test("a bundle has its time", () => {
  const limited = createBundle(files, { ...terms, expiresMs: nowMs + 1000 }, [ours]);
  expect(refusal(limited)).toBe("opened");
  expect(refusal(limited, { ...trust, nowMs: nowMs + 1000 })).toBe("expired");
  expect(refusal(signed, { ...trust, nowMs: terms.issuedMs - 6 * 60_000 })).toBe("not_yet_valid");
});

describe("there is one way to write a bundle", () => {
  const text = signed.toString();
  test.each([
    ["nothing", "", "malformed"],
    ["something else", "version: 1\nrules: []\n", "malformed"],
    ["another value", "[]", "malformed"],
    ["spaces", text.replace('"version":', '"version": '), "malformed"],
    ["a line break at the end", `${text}\n`, "malformed"],
    ["a byte order mark", `\ufeff${text}`, "malformed"],
    [
      "another order",
      text.replace(/^\{("digest":"[^"]+"),/, "{").replace(/\}$/, `,"digest":"${policyDigest(files)}"}`),
      "malformed",
    ],
    ["a key twice", text.replace('"version":7', '"version":7,"version":7'), "malformed"],
    ["a number written otherwise", text.replace('"version":7', '"version":7.0'), "malformed"],
    ["an escape that is not needed", text.replace("policy.yaml", "policy\\u002eyaml"), "malformed"],
    ["an unknown field", changed({ more: 1 }), "malformed"],
    ["no version", changed({ version: undefined }), "malformed"],
    ["version 0", changed({ version: 0 }), "malformed"],
    ["a version that is no whole number", changed({ version: 7.5 }), "malformed"],
    ["no files", changed({ files: {}, digest: policyDigest({}) }), "malformed"],
    ["a digest in capitals", text.replace(/sha256:[0-9a-f]{64}/, (all) => all.toUpperCase().replace("SHA", "sha")), "malformed"],
    ["another format", changed({ format: "countersign/policy-bundle/v2" }), "unknown_format"],
    ["too deep", `{"files":${"[".repeat(200_000)}${"]".repeat(200_000)}}`, "malformed"],
  ])("%s", (_, bytes, code) => expect(refusal(bytes)).toBe(code));

  test("a signature whose last bits are free is refused", () => {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const [own] = JSON.parse(text).signatures;
    const last = alphabet[alphabet.indexOf(own.value.at(-1)) + 1];
    const value = `${own.value.slice(0, -1)}${last}`;
    expect(Buffer.from(value, "base64url")).toEqual(Buffer.from(own.value, "base64url"));
    expect(refusal(changed({ signatures: [{ ...own, value }] }))).toBe("bad_signature");
  });

  test.each([
    "../policy.yaml",
    "/etc/policy.yaml",
    "a//b",
    "a/",
    "./a",
    "a/../b",
    "a\\b",
    "a\0",
    "__proto__",
    "",
    "x".repeat(300),
    "e\u0301.yaml",
  ])("file name %j", (name) => {
    const odd = Object.fromEntries([[name, "version: 1"]]);
    expect(() => createBundle(odd, terms)).toThrow(BundleError);
    expect(refusal(changed({ files: odd, digest: policyDigest(odd) }), { nowMs })).toBe("malformed");
  });

  test("too large, or too many", () => {
    expect(refusal(Buffer.alloc(8 * 1024 * 1024 + 1, " "))).toBe("too_large");
    const many = Object.fromEntries(Array.from({ length: 257 }, (_, index) => [`f${index}.yaml`, ""]));
    expect(() => createBundle(many, terms)).toThrow(BundleError);
    expect(() => createBundle({ "a.yaml": "\0".repeat(2 * 1024 * 1024) }, terms)).toThrow(/holds at most/);
  });
});

test("no changed byte goes unnoticed, and none throws anything but the typed error", () => {
  fc.assert(
    fc.property(fc.nat(signed.length - 1), fc.integer({ min: 1, max: 255 }), (at, difference) => {
      const bytes = Buffer.from(signed);
      bytes[at] = ((bytes[at] ?? 0) + difference) % 256;
      expect(refusal(bytes)).toMatch(/^(malformed|unknown_format|digest_mismatch|bad_signature|untrusted)$/);
    }),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(refusal(text)).toMatch(/^(malformed|unknown_format)$/);
    }),
  );
});

test("a key as text: one way to write it, and only Ed25519", () => {
  const text = publicKeyText(ours);
  expect(text).toMatch(/^ed25519:[A-Za-z0-9_-]{43}$/);
  const read = parsePublicKey(text);
  expect(read && keyIdOf(read)).toBe(keyIdOf(ours));
  for (const bad of [
    "",
    text.slice(0, -1),
    `${text}=`,
    text.replace("ed25519:", "ED25519:"),
    text.replace("ed25519:", ""),
    `${text}A`,
  ])
    expect(parsePublicKey(bad), bad).toBeUndefined();
  expect(() => publicKeyText(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey)).toThrow(TypeError);
});
