import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalBytes, type Json } from "./canonical.ts";
import type { RecordDraft } from "./record.ts";
import { MAX_RECORD_SIZE, prepareRecord, recordBytes } from "./record-bytes.ts";
import { parseRecord } from "./verify/record.ts";

const digest = `sha256:${"ab".repeat(32)}`;
const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });

function optional<T>(name: string, value: fc.Arbitrary<T>): fc.Arbitrary<Record<string, T>> {
  return fc.option(value, { nil: undefined }).map((made) => (made === undefined ? {} : { [name]: made }));
}

const drafts: fc.Arbitrary<RecordDraft> = fc
  .tuple(
    fc.constantFrom("intent" as const, "outcome" as const, "sign-in" as const),
    fc.integer({ min: 0, max: 4_000_000_000_000 }),
    optional("request", text),
    optional("action", fc.constant(digest)),
    optional("principal", fc.record({ issuer: text, subject: text, groups: fc.array(text) })),
    optional("resource", text),
    optional("policy", fc.constant(digest)),
    optional("detail", fc.jsonValue() as fc.Arbitrary<Json>),
  )
  .map(([type, timeMs, ...members]) => Object.assign({ type, timeMs }, ...members));

describe("the bytes of a record", () => {
  it("are its canonical JSON (RFC 8785), and the verifier reads them back", () => {
    fc.assert(
      fc.property(drafts, text, fc.boolean(), (draft, writer, first) => {
        const previous = first ? undefined : { writer, sequence: 8, leaf: Buffer.alloc(32, 1) };
        const bytes = recordBytes(prepareRecord(draft, { hash: digest, size: 3 }), "log.example", writer, previous);
        expect(bytes.toString()).toBe(canonicalBytes(JSON.parse(bytes.toString())).toString());
        expect(parseRecord(bytes)).toMatchObject({
          log: "log.example",
          sidecar: writer,
          sequence: first ? 1 : 9,
          type: draft.type,
        });
      }),
    );
  });

  it("are the same forever", () => {
    const draft: RecordDraft = {
      type: "outcome",
      timeMs: 1_767_323_045_678,
      request: "req_1",
      action: digest,
      principal: { issuer: "i", subject: "s", groups: ["g"] },
      resource: "orders-db",
      policy: digest,
      detail: { z: 1, a: [true, null] },
    };
    const previous = { writer: "local", sequence: 1, leaf: Buffer.alloc(32, 0xcd) };
    expect(recordBytes(prepareRecord(draft, { hash: digest, size: 5 }), "l", "local", previous).toString()).toBe(
      `{"action":"${digest}","detail":{"a":[true,null],"z":1},"log":"l","payload":{"hash":"${digest}","size":5},"policy":"${digest}",` +
        `"previous":"sha256:${"cd".repeat(32)}","principal":{"groups":["g"],"issuer":"i","subject":"s"},"request":"req_1",` +
        `"resource":"orders-db","sequence":2,"sidecar":"local","time":"2026-01-02T03:04:05.678Z","type":"outcome","version":1}`,
    );
  });

  it.each<[string, Partial<RecordDraft>]>([
    ["a lone surrogate", { resource: "\ud800" }],
    ["a lone surrogate in its detail", { detail: { a: "\udc00" } }],
    ["a number that JSON cannot hold", { detail: { rows: Number.NaN } }],
    ["no time", { timeMs: Number.NaN }],
    ["more than a record holds", { detail: "x".repeat(MAX_RECORD_SIZE) }],
    ["more bytes than a record holds, in fewer characters", { detail: "€".repeat(MAX_RECORD_SIZE / 3) }],
  ])("cannot be made of a draft with %s", (_, wrong) => {
    expect(() => prepareRecord({ type: "start", timeMs: 0, ...wrong }, undefined)).toThrow(
      expect.objectContaining({ code: "invalid_record" }),
    );
  });

  it("with a year past 9999 are refused, as RFC 3339 has no such time", () => {
    expect(() => prepareRecord({ type: "start", timeMs: 8.64e15 }, undefined)).toThrow(
      expect.objectContaining({ code: "invalid_record" }),
    );
  });
});

describe("a record that is read", () => {
  const good = recordBytes(prepareRecord({ type: "start", timeMs: 0 }, undefined), "l", "local", undefined).toString();

  it.each([
    ["not JSON", "{"],
    ["not an object", "[]"],
    ["not canonical: white space", good.replace(",", ", ")],
    ["not canonical: a member given twice", good.replace('"log":"l"', '"log":"k","log":"l"')],
    ["of an unknown version", good.replace('"version":1', '"version":2')],
    ["with an unknown member", good.replace('"log"', '"local":1,"log"')],
    ["without a sequence", good.replace('"sequence":1,', "")],
    ["with a sequence of 0", good.replace('"sequence":1', '"sequence":0')],
    ["with a time that is none", good.replace("1970", "70")],
    ["with invalid UTF-8", Buffer.from(good.replace("local", "loc\xffal"), "latin1")],
  ])("is refused when it is %s", (_, bytes) => {
    expect(typeof parseRecord(typeof bytes === "string" ? Buffer.from(bytes) : bytes)).toBe("string");
  });
});
