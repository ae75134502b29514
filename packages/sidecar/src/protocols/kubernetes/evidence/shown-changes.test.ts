import { expect, test } from "vitest";
import { differsInCopy, shownChanges, withoutBookkeeping } from "./shown-changes.ts";

const applied = "kubectl.kubernetes.io/last-applied-configuration";

test("a long value is cut where it says what is different", () => {
  const long = (end: string) => `${"a".repeat(5000)}${end}${"b".repeat(5000)}`;
  const [field] = shownChanges({ a: long("OLD") }, { a: long("NEW") }).changes?.fields ?? [];
  expect(field?.before).toContain("OLD");
  expect(field?.after).toContain("NEW");
  expect(field?.after).toMatch(/^\(\d+ characters\) …a+NEW.*… \(\d+ more characters\)$/);
  expect(field?.after?.length).toBeLessThan(1100);
});

test("of very many changes the rest is counted", () => {
  const many = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`k${index}`, index]));
  const { changes } = shownChanges({}, { data: many });
  expect(changes?.fields).toHaveLength(300);
  expect(changes?.more).toBe(700);
  const large = Object.fromEntries(Array.from({ length: 290 }, (_, index) => [`k${index}`, "x".repeat(2000)]));
  const shown = shownChanges({}, { data: large }).changes;
  expect(JSON.stringify(shown).length).toBeLessThan(200_000);
  expect((shown?.fields.length ?? 0) + (shown?.more ?? 0)).toBe(290);
});

test("texts of several lines are compared by line; a part says that it is one", () => {
  expect(shownChanges({ conf: "a\nb\n" }, { conf: "a\nc\n" })).toMatchObject({ difference: "@ conf\n a\n-b\n+c" });
  const lines = (mark: string) => Array.from({ length: 5000 }, (_, index) => `${mark}${index}-${"x".repeat(20)}\n`).join("");
  expect(shownChanges({ conf: lines("a") }, { conf: lines("b") }).failure).toContain("Only a part");
});

test("the server's own bookkeeping is left out, and nothing else", () => {
  const object = {
    metadata: {
      name: "a",
      uid: "1",
      resourceVersion: "7",
      generation: 2,
      labels: { x: "y" },
      managedFields: [{}],
      annotations: { [applied]: "{}", own: "1" },
    },
    spec: { resourceVersion: "mine" },
    status: { ready: true },
  };
  expect(withoutBookkeeping(object, false)).toEqual({
    metadata: { name: "a", labels: { x: "y" }, annotations: { own: "1" } },
    spec: { resourceVersion: "mine" },
  });
  expect(withoutBookkeeping(object, true)).toMatchObject({ status: { ready: true } });
  expect(differsInCopy(object, { metadata: { annotations: { [applied]: "{}" } } })).toBe(false);
  expect(differsInCopy(object, { metadata: {} })).toBe(true);
});
