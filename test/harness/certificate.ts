import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

/** A certificate and its private key, PEM. */
export interface TestCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate authority for one test, and one server certificate that it has issued. */
export interface TestAuthority {
  readonly ca: string;
  readonly server: TestCertificate;
  /** Issues a certificate for a client: a common name, and URIs as further names (SPIFFE IDs). */
  client(commonName: string, ...uris: readonly string[]): TestCertificate;
}

/** Makes a fresh authority and a certificate for a host name, valid from yesterday for a month (RFC 5280, ECDSA P-256). */
export function testAuthority(host: string): TestAuthority {
  const authority = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const issuer = name("Countersign test authority");
  const critical = bytes(0x01, Buffer.of(0xff));
  const isAuthority = sequence(oid("2.5.29.19"), critical, bytes(0x04, sequence(critical)));
  const issue = (subject: string, ...names: readonly Buffer[]): TestCertificate => {
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const alternative = names.length === 0 ? Buffer.alloc(0) : sequence(oid("2.5.29.17"), bytes(0x04, sequence(...names)));
    return {
      certificate: certificate(issuer, name(subject), publicKey, authority.privateKey, alternative),
      key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    };
  };
  return {
    ca: certificate(issuer, issuer, authority.publicKey, authority.privateKey, isAuthority),
    server: issue(host, bytes(0x82, Buffer.from(host))),
    client: (commonName, ...uris) => issue(commonName, ...uris.map((uri) => bytes(0x86, Buffer.from(uri)))),
  };
}

function certificate(issuer: Buffer, subject: Buffer, publicKey: KeyObject, signer: KeyObject, extension: Buffer): string {
  const day = 24 * 60 * 60 * 1000;
  const ecdsaWithSha256 = sequence(oid("1.2.840.10045.4.3.2"));
  const serial = bytes(0x02, Buffer.concat([Buffer.of(0x01), randomBytes(8)]));
  const version3 = bytes(0xa0, bytes(0x02, Buffer.of(2)));
  const validity = sequence(time(Date.now() - day), time(Date.now() + 30 * day));
  const spki = publicKey.export({ type: "spki", format: "der" });
  // An empty list of extensions is not allowed (RFC 5280 §4.1).
  const extensions = extension.length === 0 ? extension : bytes(0xa3, sequence(extension));
  const body = sequence(version3, serial, ecdsaWithSha256, issuer, validity, subject, spki, extensions);
  const signature = bytes(0x03, Buffer.concat([Buffer.of(0), sign("sha256", body, signer)]));
  const der = sequence(body, ecdsaWithSha256, signature).toString("base64");
  return `-----BEGIN CERTIFICATE-----\n${der.match(/.{1,64}/g)?.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** One DER value: tag, length, content. */
function bytes(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}

function sequence(...parts: Buffer[]): Buffer {
  return bytes(0x30, Buffer.concat(parts));
}

function name(commonName: string): Buffer {
  return sequence(bytes(0x31, sequence(oid("2.5.4.3"), bytes(0x0c, Buffer.from(commonName)))));
}

function time(atMs: number): Buffer {
  const text = new Date(atMs).toISOString().replace(/[-:T]/g, "").slice(2, 14);
  return bytes(0x17, Buffer.from(`${text}Z`));
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  const encoded = [first * 40 + second, ...rest].flatMap((part) => {
    const digits = [part & 0x7f];
    for (let left = part >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
    return digits;
  });
  return bytes(0x06, Buffer.from(encoded));
}
