import fc from "fast-check";
import { expect, test } from "vitest";
import type { HttpRequest } from "../../action.ts";
import { classify } from "../../facts.ts";
import { CountersignError } from "../../outcome.ts";
import { loadPolicy } from "../../policy.ts";

type Effect = "allow" | "deny" | "review" | "refused";

/** What rules say about a request; a refusal is one too. Anything thrown but the typed error fails the test. */
function effectOf(rules: readonly string[]) {
  const policy = loadPolicy({ "p.yaml": `version: 1\nrules: [${rules.map((rule) => `{ id: ${rule} }`).join(", ")}]` });
  return (operation: HttpRequest): Effect => {
    try {
      const facts = classify(operation, { searchPath: [] });
      return policy.decide({
        resource: { name: "api", type: "http", labels: {}, roles: ["r"] },
        principal: { issuer: "i", subject: "s", groups: [], claims: {} },
        facts,
        reason: "",
        nowMs: 0,
      }).effect;
    } catch (error) {
      if (error instanceof CountersignError) return "refused";
      throw error;
    }
  };
}

function get(path: string): HttpRequest {
  return { kind: "http.request", method: "GET", path, headers: [] };
}

const all = effectOf(["all, effect: allow"]);
const notAdmin = effectOf(["all, effect: allow", `never, effect: deny, when: 'http.path.startsWith("/admin")'`]);

/** Ways in which servers get from a target to the path that they route by. */
const readers: readonly ((target: string) => string)[] = [
  (target) => new URL(target, "http://host").pathname,
  (target) => new URL(decodeURIComponent(pathOf(target)), "http://host").pathname,
  (target) => decodeURIComponent(new URL(target, "http://host").pathname),
  (target) => decodeURIComponent(decodeURIComponent(pathOf(target))),
  (target) => resolve(decodeURIComponent(pathOf(target))),
  (target) => resolve(decodeURIComponent(pathOf(target).replace(/;[^/]*/g, ""))),
  (target) => resolve(decodeURIComponent(pathOf(target)).replace(/;[^/]*/g, "")),
  (target) => resolve(decodeURIComponent(pathOf(target)).replaceAll("\\", "/")),
  (target) => resolve(decodeURIComponent(pathOf(target)).replace(/\0.*/s, "")),
  (target) => resolve(decodeURIComponent(pathOf(target)).normalize("NFKC")),
  (target) => resolve(decodeURIComponent(pathOf(target)).replace(/[\p{Cf}\p{Cc}]/gu, "")),
  (target) => decodeURIComponent(pathOf(target)).replace(/[. ]+(?=\/|$)/g, ""),
];

function pathOf(target: string): string {
  return target.replace(/^https?:\/\/[^/]*/, "").replace(/[?#].*/s, "");
}

/** Dot segments and empty segments taken out, as file servers do. */
function resolve(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") kept.pop();
    else if (segment !== "" && segment !== ".") kept.push(segment);
  }
  return `/${kept.join("/")}`;
}

function routedToAdmin(target: string): boolean {
  return readers.some((read) => {
    try {
      return /^\/+admin/.test(read(target));
    } catch {
      return false; // This server answers 400.
    }
  });
}

const hex = (text: string) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
/** One character in one of the ways in which it may be written. */
const written = (character: string) =>
  fc.constantFrom(
    ...[character, character, character, character],
    hex(character),
    hex(character).toUpperCase(),
    hex(hex(character)),
    `%25${hex(character).slice(1)}`,
    hex(String.fromCharCode(character.charCodeAt(0) + 0xfee0)),
    `${character}%E2%80%8B`,
    `${character};x`,
  );
const separator = fc.constantFrom(
  ...[
    "/",
    "/",
    "/",
    "/",
    "//",
    "/./",
    "/x/../",
    "/%2e/",
    "/%2E%2e/",
    "/..;/",
    "/;/",
    "/;a=b/",
    "%2f",
    "%2F",
    "\\",
    "%5c",
    "%252f",
  ],
  ...["/%20/", "/%00/", "%c0%af", "%EF%BC%8F", "/.%2e/", "?/", "#/", "%3f/", "/x/%2e%2e/", "/x/..%2f", "/\t/", "/ /"],
);
const disguised = fc
  .tuple(
    fc.constantFrom("", "", "", "http://host", "/public/..", "/."),
    separator,
    fc.tuple(...[..."admin"].map(written)),
    fc.constantFrom("", "", "/", "/x", "?a=1", "%20", ".", "%00", "%00.png", ";x", "%2f", "%3f", "#x", "..", "/.."),
  )
  .map(([start, glue, letters, end]) => `${start}${glue}${letters.join("")}${end}`);

test("a path that is denied is not allowed in any encoding that some server routes to it", () => {
  let routed = 0;
  fc.assert(
    fc.property(disguised, (target) => {
      if (!routedToAdmin(target)) return;
      routed++;
      expect(notAdmin(get(target)), target).not.toBe("allow");
    }),
    { numRuns: 5000 },
  );
  expect(routed).toBeGreaterThan(500);
});

test("what every server reads in the same way is allowed as rules say", () => {
  const segment = fc.stringMatching(/^[a-z][a-zA-Z0-9_~-]{0,8}$/);
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 5 }), fc.dictionary(segment, segment), (segments, query) => {
      const path = `/${segments.join("/")}?${new URLSearchParams(query)}`;
      expect(notAdmin(get(path))).toBe(segments[0]?.startsWith("admin") ? "deny" : "allow");
    }),
  );
});

test("random bytes and text never throw anything but the typed error, and run only as what they plainly are", () => {
  const bytes = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array).toString("latin1"));
  const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }).map((all) => String.fromCharCode(...all));
  const text = fc.oneof(bytes, fc.string({ unit: "binary", maxLength: 60 }), units);
  const target = text.map((one) => `/${one}`);
  const type = fc.constantFrom("application/json", "application/x-www-form-urlencoded", "text/plain");
  fc.assert(
    fc.property(text, (method) => {
      if (all({ ...get("/"), method }) === "allow") expect(method).toMatch(/^(GET|HEAD|OPTIONS|POST|PUT|PATCH|DELETE)$/);
    }),
  );
  fc.assert(
    fc.property(fc.oneof(text, target), (path) => {
      if (all(get(path)) === "allow") expect(path).toMatch(/^\/[!-~]*$/);
    }),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(text, text, (name, value) => {
      if (all({ ...get("/"), headers: [[name, value]] }) === "allow")
        expect(`${name}:${value}`).toMatch(/^[A-Za-z0-9-]+:[\t -~]*$/);
    }),
    { numRuns: 1000 },
  );
  fc.assert(
    fc.property(text, type, (body, contentType) => {
      const operation: HttpRequest = {
        ...get("/"),
        method: "POST",
        headers: [["Content-Type", contentType]],
        body: { text: body },
      };
      if (all(operation) === "allow" && body !== "" && contentType === "application/json") JSON.parse(body);
    }),
    { numRuns: 1000 },
  );
});

test("a parameter that is denied is not allowed however it is written", () => {
  const noAdmin = effectOf(["all, effect: allow", "never, effect: deny, when: '\"admin\" in http.query'"]);
  const mangled = (query: string, by: RegExp) =>
    query.split(by).map((pair) => {
      const name = decodeURIComponent((pair.split("=", 1)[0] ?? "").replaceAll("+", " "));
      // As PHP and qs do.
      return (name.trimStart().split("[", 1)[0] ?? "").replace(/[ .]/g, "_");
    });
  const name = fc
    .tuple(
      fc.constantFrom("", "", "+", "%20", "x=1&", "x=1;", "x=1%26", "&&"),
      fc.tuple(
        ...[..."admin"].map((character) => fc.constantFrom(character, character, hex(character), hex(character).toUpperCase())),
      ),
      fc.constantFrom("", "", "[]", "[x]", "%5B%5D", "[", "%00", "%5bx"),
    )
    .map(([start, letters, end]) => `${start}${letters.join("")}${end}`);
  fc.assert(
    fc.property(name, fc.constantFrom("=1", "", "=", "==", "=1&admin=2", "&x=1"), (written, value) => {
      const query = `${written}${value}`;
      const seen = [...mangled(query, /&/), ...mangled(query, /[&;]/)].includes("admin");
      if (seen) expect(noAdmin(get(`/?${query}`)), query).not.toBe("allow");
    }),
    { numRuns: 2000 },
  );
});

test("the order of rules changes nothing", () => {
  const rules = [
    "a, effect: allow",
    `b, effect: deny, when: 'http.path.startsWith("/admin")'`,
    "c, effect: deny, when: 'http.query.x == [\"1\"]'",
  ];
  const [first, second] = [effectOf(rules), effectOf(rules.toReversed())];
  fc.assert(
    fc.property(disguised, (target) => {
      expect(second(get(target))).toBe(first(get(target)));
    }),
  );
});
