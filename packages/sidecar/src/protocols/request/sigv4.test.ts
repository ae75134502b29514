import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { Field } from "./fields.ts";
import { authorize, signatureOf } from "./sigv4.ts";

const hash = (text: string) => createHash("sha256").update(text).digest("hex");

/** The vectors of AWS's published suite (awslabs/aws-c-auth, tests/aws-signing-test-suite/v4, the files header-signed-request.txt). */
describe("AWS's own test suite", () => {
  const key = {
    ...{ region: "us-east-1", service: "service", accessKeyId: "AKIDEXAMPLE" },
    secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  };
  const atMs = Date.parse("2015-08-30T12:36:00Z");
  const token = "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267";
  const all = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const duplicates: readonly Field[] = ["value2", "value2", "value1"].map((value) => ["My-Header1", value] as const);

  test.each<[string, string, readonly Field[], string]>([
    [
      "get-vanilla-with-session-token",
      "/",
      [["X-Amz-Security-Token", token]],
      "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8",
    ],
    [
      "get-vanilla-query-order-encoded",
      "/?Param-3=Value3&Param=Value2&%E1%88%B4=Value1",
      [],
      "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
    ],
    [
      "get-vanilla-query-order-key-case",
      "/?Param2=value2&Param1=value1",
      [],
      "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ],
    ["get-vanilla-query-unreserved", `/?${all}=${all}`, [], "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"],
    ["get-vanilla-empty-query-key", "/?Param1=value1", [], "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"],
    [
      "get-header-value-trim",
      "/",
      [
        ["My-Header1", " value1"],
        ["My-Header2", ' "a   b   c"'],
      ],
      "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ],
    ["get-header-key-duplicate", "/", duplicates, "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"],
    ["get-space", "/example space/", [], "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"],
    ["get-utf8", "/ሴ", [], "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"],
  ])("%s", (_, path, more, signature) => {
    const fields: readonly Field[] = [["Host", "example.amazonaws.com"], ["X-Amz-Date", "20150830T123600Z"], ...more];
    expect(authorize({ method: "GET", path, fields, payload: hash("") }, key, atMs)).toMatchObject({ signature });
  });

  test("post-x-www-form-urlencoded", () => {
    const body = "Param1=value1";
    const payload = hash(body);
    const fields: readonly Field[] = [
      ["Content-Type", "application/x-www-form-urlencoded"],
      ["Content-Length", "13"],
      ["Host", "example.amazonaws.com"],
      ["x-amz-content-sha256", payload],
      ["X-Amz-Date", "20150830T123600Z"],
    ];
    expect(authorize({ method: "POST", path: "/", fields, payload }, key, atMs).authorization).toBe(
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=content-length;content-type;host;x-amz-content-sha256;x-amz-date, Signature=d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
    );
  });
});

/** The worked examples of the Amazon S3 API Reference, "Authenticating Requests: Using the Authorization Header". */
describe("S3 encodes a path once", () => {
  const key = {
    ...{ region: "us-east-1", service: "s3", host: "examplebucket.s3.amazonaws.com" },
    ...{ accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY" },
  };
  const atMs = Date.parse("2013-05-24T00:00:00Z");
  const put: readonly Field[] = [
    ["Date", "Fri, 24 May 2013 00:00:00 GMT"],
    ["x-amz-storage-class", "REDUCED_REDUNDANCY"],
  ];
  const content = Buffer.from("Welcome to Amazon S3.");

  test.each<[string, string, string, readonly Field[], Buffer | undefined, string]>([
    [
      "GET object",
      "GET",
      "/test.txt",
      [["Range", "bytes=0-9"]],
      undefined,
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    ],
    ["PUT object", "PUT", "/test%24file.text", put, content, "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"],
    [
      "PUT object, written otherwise on the wire",
      "PUT",
      "/test$file.text",
      put,
      content,
      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    ],
    ["GET lifecycle", "GET", "/?lifecycle", [], undefined, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"],
    ["list", "GET", "/?max-keys=2&prefix=J", [], undefined, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"],
  ])("%s", (_, method, path, fields, body, signature) => {
    expect(signatureOf({ method, path, fields, body }, key, atMs)).toMatchObject({ signature });
  });

  test("what proxies rewrite is not covered, everything else is", () => {
    const sign = (fields: readonly Field[]) =>
      signatureOf({ method: "GET", path: "/", fields, body: undefined }, key, atMs).signature;
    expect(
      sign([
        ["User-Agent", "x"],
        ["Accept-Encoding", "identity"],
      ]),
    ).toBe(sign([]));
    expect(sign([["X-Tenant", "x"]])).not.toBe(sign([]));
  });
});
