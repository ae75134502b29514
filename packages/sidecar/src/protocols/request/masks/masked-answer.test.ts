import { describe, expect, test } from "vitest";
import type { Field } from "../fields.ts";
import { maskedAnswer } from "./masked-answer.ts";

const json: Field = ["Content-Type", "application/json; charset=utf-8"];

async function answer(body: string | Buffer, fields: readonly Field[] = [json], status = 200) {
  async function* parts() {
    for (const byte of Buffer.from(body)) yield Buffer.from([byte]);
  }
  const masked = await maskedAnswer({ status, fields, unknown: "", body: parts() }, ["/email"]);
  return { ...masked, text: Buffer.concat(masked.body).toString() };
}

test("the answer's length is the masked one's, and no word for the bytes that they were is left", async () => {
  const fields: readonly Field[] = [
    json,
    ["Content-Length", "99"],
    ...["ETag", "Content-MD5", "Repr-Digest", "Digest", "x-amz-checksum-sha256", "X-Goog-Hash", "Signature", "Accept-Ranges"].map(
      (name) => [name, "x"] as const,
    ),
    ["X-Tenant", "t"],
  ];
  const { text, fields: kept } = await answer('{"email":"é@b","n":1.0}', fields);
  expect(text).toBe('{"email":"****","n":1.0}');
  expect(kept).toEqual([json, ["X-Tenant", "t"], ["content-length", String(text.length)]]);
});

test("an answer with an error is masked as every other", async () => {
  expect((await answer('{"email":"a@b"}', [["content-type", "application/problem+json"]], 409)).text).toBe('{"email":"****"}');
});

test("one without a body has nothing to mask, and still no word for it", async () => {
  const fields: readonly Field[] = [
    ["ETag", "x"],
    ["content-length", "3"],
    ["X-A", "b"],
  ];
  expect(await maskedAnswer({ status: 304, fields, unknown: "", body: undefined }, ["/a"])).toEqual({
    fields: [["X-A", "b"]],
    body: [],
  });
  expect((await answer("", [])).fields).toEqual([["content-length", "0"]]);
});

describe("what cannot be looked through is withheld", () => {
  test.each<[string, string | Buffer, readonly Field[], RegExp]>([
    ["no type", '{"email":1}', [], /Content-Type/],
    ["another type", '{"email":1}', [["content-type", "text/plain"]], /Content-Type/],
    ["two types", '{"email":1}', [json, ["content-type", "text/html"]], /Content-Type/],
    ["a list of JSON texts", '{"email":1}', [["content-type", "application/x-ndjson"]], /Content-Type/],
    ["another charset", '{"email":1}', [["content-type", "application/json; charset=utf-16"]], /Content-Type/],
    ["two charsets", '{"email":1}', [["content-type", "application/json; charset=utf-8; charset=utf-16"]], /Content-Type/],
    ["no JSON", "email=1", [json], /not JSON/],
    ["several texts", '{"email":1}\n{"email":2}', [json], /not JSON/],
    ["members given twice", '{"email":1,"email":2}', [json], /twice/],
    ["bytes that are not UTF-8", Buffer.from('{"email":"\xff"}', "latin1"), [json], /UTF-8/],
    ["UTF-16", Buffer.from('{"email":"a"}', "utf16le"), [json], /not JSON|UTF-8/],
    ["too much", `"${"x".repeat(4 * 1024 * 1024)}"`, [json], /longer/],
  ])("%s", async (_, body, fields, why) => {
    const whole = async function* () {
      yield Buffer.from(body);
    };
    await expect(maskedAnswer({ status: 200, fields, unknown: "", body: whole() }, ["/email"])).rejects.toThrow(why);
  });

  test("a stream of events, at its first word", async () => {
    const endless = async function* () {
      yield Buffer.from("data: 1\n\n");
      await new Promise(() => {});
    };
    const fields: readonly Field[] = [["content-type", "text/event-stream"]];
    await expect(maskedAnswer({ status: 200, fields, unknown: "", body: endless() }, ["/a"])).rejects.toThrow(/Content-Type/);
  });

  test("a part of an answer, and an unknown encoding", async () => {
    await expect(answer('{"email":1}', [json], 206)).rejects.toThrow(/part/);
    const unread = async function* () {};
    await expect(maskedAnswer({ status: 200, fields: [json], unknown: "zz", body: unread() }, ["/a"])).rejects.toThrow(
      /encoding/,
    );
  });
});
