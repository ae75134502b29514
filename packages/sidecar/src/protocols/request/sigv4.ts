import { createHash, createHmac } from "node:crypto";
import { z } from "zod";
import { credentialSourceSchema } from "../../credentials/source.ts";
import type { Field } from "./fields.ts";

/** AWS Signature Version 4: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
export const sigv4Schema = z.strictObject({
  region: z.string().regex(/^[a-z0-9-]{1,40}$/, "an AWS region, e.g. eu-west-1"),
  service: z.string().regex(/^[a-z0-9-]{1,60}$/, "the service's name in signatures, e.g. s3 or execute-api"),
  accessKeyId: credentialSourceSchema,
  secretAccessKey: credentialSourceSchema,
  /** Of temporary credentials. */
  sessionToken: credentialSourceSchema.optional(),
});

/** What signatures of one role are made with. */
export interface SigningKey {
  readonly region: string;
  readonly service: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** A request as it is sent. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query, as on the wire. */
  readonly path: string;
  /** Every field that the signature covers, the host among them. */
  readonly fields: readonly Field[];
  /** SHA-256 of the body, hex. */
  readonly payload: string;
}

/** Fields that are on their way only, or that proxies rewrite: a signature over them would not hold. */
const unsigned: ReadonlySet<string> = new Set(
  "authorization cache-control expect from max-forwards pragma referer te user-agent via x-amzn-trace-id accept-encoding".split(
    " ",
  ),
);

/** What a signature brings with it: no caller sends any of them. */
export const signatureFields = ["authorization", "x-amz-date", "x-amz-content-sha256", "x-amz-security-token"] as const;

/** What signs a URL instead (presigned): two signatures are one too many. */
export const signatureParameters = [
  ...["x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signature"],
  ...["x-amz-signedheaders", "x-amz-security-token"],
] as const;

/**
 * The fields that prove a request; everything that goes with it must be known by now.
 *
 * @param atMs the wall clock.
 */
export function signatureOf(
  { method, path, fields, body = Buffer.alloc(0) }: Omit<SignedRequest, "payload"> & { readonly body: Buffer | undefined },
  { host, sessionToken, ...key }: SigningKey & { readonly host: string; readonly sessionToken?: string | undefined },
  atMs: number,
): { readonly fields: readonly Field[]; readonly signature: string } {
  const payload = sha256(body);
  const own: readonly Field[] = [
    ["x-amz-date", stampOf(atMs)],
    ["x-amz-content-sha256", payload],
    ...(sessionToken === undefined ? [] : [["x-amz-security-token", sessionToken] as const]),
  ];
  const covered = fields.filter(([name]) => !unsigned.has(name.toLowerCase()));
  const { authorization, signature } = authorize(
    { method, path, fields: [...covered, ["host", host], ...own], payload },
    key,
    atMs,
  );
  return { fields: [...own, ["authorization", authorization]], signature };
}

/** The `Authorization` of a request and the signature in it. */
export function authorize(request: SignedRequest, key: SigningKey, atMs: number) {
  const stamp = stampOf(atMs);
  const scope = [stamp.slice(0, 8), key.region, key.service, "aws4_request"];
  const { text, names } = canonicalRequest(request, key.service);
  const toSign = ["AWS4-HMAC-SHA256", stamp, scope.join("/"), sha256(Buffer.from(text))].join("\n");
  const signing = scope.reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${key.secretAccessKey}`);
  const signature = hmac(signing, toSign).toString("hex");
  const parts = [`Credential=${key.accessKeyId}/${scope.join("/")}`, `SignedHeaders=${names}`, `Signature=${signature}`];
  return { authorization: `AWS4-HMAC-SHA256 ${parts.join(", ")}`, signature };
}

function canonicalRequest({ method, path, fields, payload }: SignedRequest, service: string) {
  const at = path.indexOf("?");
  const [way, query] = at < 0 ? [path, ""] : [path.slice(0, at), path.slice(at + 1)];
  // S3 encodes the path's meaning once; every other service encodes what is on the wire once more.
  const meant = service.startsWith("s3") ? decodeURIComponent(way) : way;
  const byName = new Map<string, string[]>();
  for (const [name, value] of fields) {
    const key = name.toLowerCase();
    const plain = value.trim().replace(/ +/g, " ");
    byName.set(key, [...(byName.get(key) ?? []), plain]);
  }
  const sorted = [...byName].sort(([a], [b]) => (a < b ? -1 : 1));
  const names = sorted.map(([name]) => name).join(";");
  const lines = sorted.map(([name, values]) => `${name}:${values.join(",")}\n`).join("");
  return { text: [method, encoded(meant, "/"), canonicalQuery(query), lines, names, payload].join("\n"), names };
}

function canonicalQuery(query: string): string {
  const pairs = query.split("&").filter((pair) => pair !== "");
  return pairs
    .map((pair) => {
      const at = pair.indexOf("=");
      const parts = at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
      return parts.map((part) => encoded(decodeURIComponent(part.replaceAll("+", " ")))) as [string, string];
    })
    .sort(([a, x], [b, y]) => (a === b ? order(x, y) : order(a, b)))
    .map((pair) => pair.join("="))
    .join("&");
}

/** By code: encoded texts are ASCII. */
function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** Everything but letters, digits and `-._~` is written as its bytes. */
function encoded(text: string, kept = ""): string {
  const whole = encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
  return kept === "" ? whole : whole.replaceAll(encodeURIComponent(kept), kept);
}

/** `20150830T123600Z`. */
function stampOf(atMs: number): string {
  return new Date(atMs).toISOString().replace(/[-:]|\.\d+/g, "");
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
