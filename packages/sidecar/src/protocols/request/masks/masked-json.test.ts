import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { maskedJson, Unmaskable } from "./masked-json.ts";

describe("what a mask names is replaced, and nothing else is touched", () => {
  test.each<[string, string, string]>([
    ["/email", '{"email":"a@b","name":"x"}', '{"email":"****","name":"x"}'],
    ["/email", '{ "email" : "a@b" , "n": 12345678901234567890.10 }', '{ "email" : "****" , "n": 12345678901234567890.10 }'],
    [
      "/*/email",
      '[{"email":1},{"email":true},{"email":null},{"other":[]}]',
      '[{"email":"****"},{"email":"****"},{"email":null},{"other":[]}]',
    ],
    ["/data/*", '{"data":{"a":{"b":[1,{"c":2}]},"d":[]}, "e":1}', '{"data":{"a":"****","d":"****"}, "e":1}'],
    [
      "/**/ssn",
      '{"ssn":1,"a":[{"ssn":{"x":[1]}},[{"b":{"ssn":"2"}}]],"assn":3}',
      '{"ssn":"****","a":[{"ssn":"****"},[{"b":{"ssn":"****"}}]],"assn":3}',
    ],
    ["/a/**/z", '{"a":{"z":1,"b":{"z":2}},"z":3}', '{"a":{"z":"****","b":{"z":"****"}},"z":3}'],
    ["/items/0", '{"items":["first",["second"]]}', '{"items":["****",["second"]]}'],
    ["/a~1b/m~0n", '{"a/b":{"m~n":1,"x":2}}', '{"a/b":{"m~n":"****","x":2}}'],
    ["/", '{"":1,"a":{"":2}}', '{"":"****","a":{"":2}}'],
    ["/email", '[{"email":"in a list: another place"}]', '[{"email":"in a list: another place"}]'],
    ["/x", '"a text"', '"a text"'],
    ["/x", " 12 ", " 12 "],
    ["/__proto__", '{"__proto__":1,"constructor":2}', '{"__proto__":"****","constructor":2}'],
  ])("%s of %s", async (pointer, text, masked) => {
    expect(await maskedJson(text, [pointer])).toBe(masked);
  });

  test.each(['{"\\u0065mail":"a@b"}', '{"em\\u0061il":"a@b"}'])(
    "also where the name is written with escapes: %s",
    async (text) => {
      expect(await maskedJson(text, ["/email"])).not.toContain("a@b");
    },
  );

  test("brackets, quotes and backslashes inside of texts are text", async () => {
    const value = { note: '}],"email":"x', back: "\\", email: '{"}\\' };
    const masked = await maskedJson(JSON.stringify(value), ["/email"]);
    expect(JSON.parse(masked)).toEqual({ ...value, email: "****" });
  });

  test("several masks, one inside the other", async () => {
    expect(await maskedJson('{"a":{"b":1},"c":{"b":2}}', ["/a", "/*/b"])).toBe('{"a":"****","c":{"b":"****"}}');
  });
});

test.each(['{"email":1,"email":2}', '{"a":{"email":1,"\\u0065mail":2}}', '[{"x":1,"x":1}]'])(
  "a member given twice is not taken: %s",
  async (text) => {
    await expect(maskedJson(text, ["/email"])).rejects.toThrow(Unmaskable);
  },
);

test.each(["", "{", "{'a':1}", '{"a":1} {"b":2}', '{"a":1}\n{"b":2}', "<a>", '\ufeff{"a":1}', "NaN", "[1,]", "// x\n{}"])(
  "what is almost JSON is not taken: %s",
  async (text) => {
    await expect(maskedJson(text, ["/a"])).rejects.toThrow("it is not JSON");
  },
);

/** The same, on the parsed value. */
function masked(value: unknown, path: readonly string[]): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return value === null ? null : "****";
  if (typeof value !== "object" || value === null) return value;
  const reached = (name: string) => step === "*" || step === name;
  const one = (name: string, child: unknown): unknown => {
    if (step !== "**") return reached(name) ? masked(child, rest) : child;
    const deeper = masked(child, path);
    return rest[0] === "*" || rest[0] === name ? masked(deeper, rest.slice(1)) : deeper;
  };
  if (Array.isArray(value)) return value.map((child, index) => one(String(index), child));
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, one(name, child)]));
}

test("whatever the value: as on the parsed value, in every layout", async () => {
  const names = fc.constantFrom("a", "b", "0", "1", 'é"\\');
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.jsonValue({ maxDepth: 1 }),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(names, tie("value"), { maxKeys: 3 }),
    ),
  }));
  const step = fc.oneof(names, fc.constant("*"));
  const path = fc
    .tuple(fc.array(fc.oneof(step, fc.constant("**")), { maxLength: 3 }), step)
    .map(([many, last]) => [...many, last]);
  await fc.assert(
    fc.asyncProperty(value, path, fc.constantFrom(0, 2), async (one, steps, indent) => {
      // Beside one another they mean what one of them means.
      const plain = steps.filter((name, index) => !(name === "**" && steps[index - 1] === "**"));
      fc.pre(plain.filter((name) => name === "**").length < 2);
      const clean: unknown = JSON.parse(JSON.stringify(one));
      const text = JSON.stringify(clean, undefined, indent);
      expect(JSON.parse(await maskedJson(text, [`/${steps.join("/")}`]))).toEqual(masked(clean, plain));
    }),
    { numRuns: 300 },
  );
});

test("a deep or a long value takes time by its length alone", async () => {
  const deep = `${'{"a":['.repeat(100_000)}1${"]}".repeat(100_000)}`;
  expect(await maskedJson(deep, ["/**/b", "/**/a/**/c"])).toBe(deep);
  const long = `[${'{"email":"x"},'.repeat(50_000)}1]`;
  expect(await maskedJson(long, ["/*/email"])).toBe(long.replaceAll('"x"', '"****"'));
});
