import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { isIP } from "node:net";
import { bits, octets, oid, sequence, time, value } from "./der.ts";

/** What certificates are made of that do not come from the key. */
interface CertificateTerms {
  readonly nowMs: number;
  readonly random: (size: number) => Buffer;
}

/** A key of P-256 and its certificate, PEM. */
export interface Certified {
  readonly certificate: string;
  readonly key: KeyObject;
}

/** The authority that signs: its key, and the name that its certificate has. */
interface Signer {
  readonly key: KeyObject;
  readonly publicKey: KeyObject;
  readonly name: string;
}

const dayMs = 24 * 60 * 60 * 1000;
const authorityDays = 3650;
/** It is made anew with each start. */
const serverDays = 825;

/** Makes an authority that has signed nothing but itself. */
export function newAuthority(terms: CertificateTerms): Certified & { readonly name: string } {
  const { publicKey, privateKey } = newKey();
  const name = `Countersign listener ${terms.random(6).toString("hex")}`;
  const extensions = [
    extension("2.5.29.19", sequence(yes, value(0x02, Buffer.of(0))), "critical"),
    // keyCertSign
    extension("2.5.29.15", bits(Buffer.of(0x04), 2), "critical"),
  ];
  const signer = { key: privateKey, publicKey, name };
  return { name, key: privateKey, certificate: certificate(name, publicKey, authorityDays, extensions, signer, terms) };
}

/** A new key for a server of these names and addresses, certified (RFC 5280 §4.2, RFC 9525). */
export function serverCertificate(names: readonly string[], signer: Signer, terms: CertificateTerms): Certified {
  const { publicKey, privateKey } = newKey();
  const extensions = [
    extension("2.5.29.19", sequence(), "critical"),
    // digitalSignature
    extension("2.5.29.15", bits(Buffer.of(0x80), 7), "critical"),
    // serverAuth
    extension("2.5.29.37", sequence(oid("1.3.6.1.5.5.7.3.1"))),
    extension("2.5.29.17", sequence(...names.map(alternative))),
  ];
  const [first = ""] = names;
  return { key: privateKey, certificate: certificate(first, publicKey, serverDays, extensions, signer, terms) };
}

/** RFC 5280 §4.1. */
function certificate(
  subject: string,
  publicKey: KeyObject,
  days: number,
  extensions: readonly Buffer[],
  signer: Signer,
  { nowMs, random }: CertificateTerms,
): string {
  const ecdsaWithSha256 = sequence(oid("1.2.840.10045.4.3.2"));
  const version3 = value(0xa0, value(0x02, Buffer.of(2)));
  // Positive, 20 octets at most (§4.1.2.2).
  const serial = value(0x02, Buffer.concat([Buffer.of(0x40), random(15)]));
  // A clock that is a little behind takes it too.
  const validity = sequence(time(nowMs - dayMs), time(nowMs + days * dayMs));
  const identifiers = [
    extension("2.5.29.14", octets(keyIdentifier(publicKey))),
    extension("2.5.29.35", sequence(value(0x80, keyIdentifier(signer.publicKey)))),
  ];
  const all = value(0xa3, sequence(...extensions, ...identifiers));
  const spki = publicKey.export({ type: "spki", format: "der" });
  const body = sequence(
    ...[version3, serial, ecdsaWithSha256, commonName(signer.name), validity, commonName(subject), spki, all],
  );
  const der = sequence(body, ecdsaWithSha256, bits(sign("sha256", body, signer.key))).toString("base64");
  return `-----BEGIN CERTIFICATE-----\n${der.match(/.{1,64}/g)?.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function newKey(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

const yes = value(0x01, Buffer.of(0xff));

function extension(id: string, content: Buffer, critical?: "critical"): Buffer {
  return sequence(oid(id), ...(critical === undefined ? [] : [yes]), octets(content));
}

/** RFC 7093 §2, method 1. */
function keyIdentifier(key: KeyObject): Buffer {
  return createHash("sha256")
    .update(key.export({ type: "spki", format: "der" }))
    .digest()
    .subarray(0, 20);
}

function commonName(text: string): Buffer {
  // 64 characters at most (RFC 5280, appendix A); what counts is the alternative name.
  return sequence(value(0x31, sequence(oid("2.5.4.3"), value(0x0c, Buffer.from(text.slice(0, 64))))));
}

/** A GeneralName: a DNS name, or an address in four or sixteen bytes. */
function alternative(name: string): Buffer {
  const version = isIP(name);
  if (version === 0) return value(0x82, Buffer.from(name));
  return value(0x87, version === 4 ? Buffer.from(name.split(".").map(Number)) : addressBytes(name));
}

function addressBytes(address: string): Buffer {
  const [left = [], right] = new URL(`http://[${address}]`).hostname
    .slice(1, -1)
    .split("::")
    .map((half) => half.split(":").filter((group) => group !== ""));
  const missing = right === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => "0");
  const groups = [...left, ...missing, ...(right ?? [])];
  return Buffer.concat(groups.map((group) => Buffer.of(Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff)));
}
