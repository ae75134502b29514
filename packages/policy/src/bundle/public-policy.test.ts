import fc from "fast-check";
import { expect, test } from "vitest";
import { loadPolicy } from "../policy.ts";
import { publicPolicy } from "./public-policy.ts";

const shown = (files: Record<string, string>) => publicPolicy(loadPolicy(files));

const rule = (id: string, more = "") => `  - { id: ${id}, effect: deny, message: No.${more === "" ? "" : `, ${more}`} }\n`;

test("without anything private it is the policy itself, comments and all", () => {
  const files = { "policy.yaml": `# Ask ops.\nversion: 1\nrules:\n${rule("a")}` };
  expect(shown(files)).toEqual({ digest: loadPolicy(files).digest, files, partial: false });
});

test("a private rule is gone with every word about it; the others are as they were", () => {
  const { files, partial } = shown({
    "policy.yaml": `# The honeypot rule below watches secret_table.
version: 1
description: Orders.
variables: { traps: [secret_table], limit: 5 }
conditions:
  trapped: sql.tables.exists(t, t in variables.traps) # secret
  big: sql.statements > variables.limit
rules:
  - id: reads # not secret_table
    when: sql.readOnly && !conditions.big
    effect: allow
    role: reader
    limits: { rows: 10, bytes: 10MB, time: 30s }
  - id: honeypot
    private: true
    when: conditions.trapped
    effect: deny
    message: secret message
`,
  });
  expect(partial).toBe(true);
  expect(files["policy.yaml"]).not.toMatch(/secret|trap|honeypot|private|#/);
  const policy = loadPolicy(files);
  expect(policy.rules.map(({ id }) => id)).toEqual(["reads"]);
  expect(policy.rules[0]).toMatchObject({
    ...{ effect: "allow", role: "reader", limits: { rows: 10, bytes: 10_000_000, timeMs: 30_000 } },
    condition: { text: "sql.readOnly && !conditions.big" },
  });
  expect(files["policy.yaml"]).toContain("description: Orders.");
});

test("a private file is gone, from the includes too; public rules that use what it defines go with it", () => {
  const { files } = shown({
    "policy.yaml": `version: 1
include: [lists/private.yaml, lists/public.yaml]
conditions:
  listed: sql.tables.exists(t, t in variables.watched)
  mixed: conditions.listed || sql.ddl
rules:
${rule("direct", "when: 'sql.tables.exists(t, t in variables.watched)'")}${rule("through", "when: conditions.mixed")}${rule("other", "when: 'sql.tables.exists(t, t in variables.open)'")}`,
    "lists/private.yaml": `version: 1\nprivate: true\nvariables: { watched: [payroll] }\nrules:\n${rule("inside")}`,
    "lists/public.yaml": "version: 1\nvariables: { open: [orders], unused: [payroll] }\n",
  });
  expect(Object.keys(files).sort()).toEqual(["lists/public.yaml", "policy.yaml"]);
  expect(JSON.stringify(files)).not.toMatch(/payroll|watched|private|listed|mixed|inside/);
  expect(loadPolicy(files).rules.map(({ id }) => id)).toEqual(["other"]);
});

test("the same name in two files: each file's own is kept or left out", () => {
  const { files } = shown({
    "a.yaml": `version: 1\nvariables: { names: [orders] }\nrules:\n${rule("a", "when: 'sql.tables.exists(t, t in variables.names)'")}`,
    "b.yaml": `version: 1\nvariables: { names: [payroll] }\nrules:\n${rule("b", "private: true, when: 'sql.tables.exists(t, t in variables.names)'")}`,
  });
  expect(JSON.stringify(files)).not.toContain("payroll");
  expect(files["a.yaml"]).toContain("orders");
  expect(loadPolicy(files).rules.map(({ id }) => id)).toEqual(["a"]);
});

test("a name in brackets is taken for every name", () => {
  const files = {
    "policy.yaml": `version: 1\ninclude: [private.yaml]\nrules:\n${rule("a", `when: 'sql.text == "variables[x]"'`)}${rule("b")}`,
    "private.yaml": "version: 1\nprivate: true\nvariables: { watched: [payroll] }\n",
  };
  expect(loadPolicy(shown(files).files).rules.map(({ id }) => id)).toEqual(["b"]);
});

test("when everything is private there is still a policy to load, which says nothing", () => {
  const { files, partial } = shown({ "secret-name.yaml": `version: 1\nprivate: true\nrules:\n${rule("a")}` });
  expect(partial).toBe(true);
  expect(JSON.stringify(files)).not.toMatch(/secret|"a"/);
  expect(loadPolicy(files).rules).toEqual([]);
});

test("the word that makes it private may be written with escapes", () => {
  const { files, partial } = shown({ "policy.yaml": `version: 1\nrules:\n${rule("a", '"pri\\u0076ate": true')}${rule("b")}` });
  expect(partial).toBe(true);
  expect(loadPolicy(files).rules.map(({ id }) => id)).toEqual(["b"]);
});

test("whatever is private, what is left can be loaded", () => {
  const names = ["a.yaml", "b.yaml", "c.yaml"];
  const condition = fc.constantFrom("variables.x == 'q'", "conditions.y", "conditions.y && variables.x != ''", "sql.readOnly");
  const file = fc.record({
    isPrivate: fc.boolean(),
    defines: fc.boolean(),
    rules: fc.array(fc.record({ isPrivate: fc.boolean(), when: condition }), { maxLength: 4 }),
  });
  fc.assert(
    fc.property(fc.tuple(file, file, file), (three) => {
      const texts = three.map(({ isPrivate, defines, rules }, index) => {
        // Only the last file defines; the others include it, the first one through the second.
        const last = index === 2;
        const head = [
          "version: 1",
          ...(isPrivate ? ["private: true"] : []),
          ...(last
            ? ["variables: { x: q }", `conditions: { y: ${defines ? "variables.x == 'q'" : "sql.writes"} }`]
            : [`include: [${names[index + 1]}]`]),
        ];
        const list = rules.map(({ isPrivate: hidden, when }, at) =>
          rule(`f${index}r${at}`, `private: ${hidden}, when: ${JSON.stringify(when)}`),
        );
        return [names[index] ?? "", `${head.join("\n")}\nrules: ${list.length === 0 ? "[]\n" : `\n${list.join("")}`}`];
      });
      const policy = loadPolicy(Object.fromEntries(texts));
      const { files, partial } = publicPolicy(policy);
      const left = loadPolicy(files).rules.map(({ id }) => id);
      const open = policy.rules.filter((one) => !one.private).map(({ id }) => id);
      expect(open).toEqual(expect.arrayContaining(left));
      // Where no file is private, nothing else goes with what is.
      if (!three.some(({ isPrivate }) => isPrivate)) expect(left).toEqual(open);
      if (!partial) expect(files).toEqual(policy.files);
    }),
    { numRuns: 200 },
  );
});

test("anchors and aliases do not bring a private rule back", () => {
  const { files } = shown({
    "policy.yaml": `version: 1
rules:
  - &secret { id: hidden, private: true, effect: deny, message: &words The secret words. }
  - { id: open, effect: deny, message: Other. }
`,
  });
  expect(files["policy.yaml"]).not.toMatch(/secret|hidden|&|\*/);
});
