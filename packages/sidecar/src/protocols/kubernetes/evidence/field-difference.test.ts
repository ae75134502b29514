import { canonicalJson, type Json } from "@countersign/policy";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type FieldDifference, type Fields, fieldDifferences, isFields, type Step } from "./field-difference.ts";
import { pathText } from "./field-path.ts";

const told = (before: Json | undefined, after: Json | undefined) =>
  fieldDifferences(before, after).map(({ path, before: was, after: is }) => [pathText(path), was, is]);

test("a changed image reads as that", () => {
  const deployment = (image: string, more: Fields = {}): Json => ({
    spec: {
      template: {
        spec: {
          containers: [
            { name: "log", image: "log:1" },
            { name: "web", image, ...more },
          ],
        },
      },
    },
  });
  expect(told(deployment("web:1"), deployment("web:2"))).toEqual([
    ["spec.template.spec.containers[name=web].image", "web:1", "web:2"],
  ]);
  const port = { ports: [{ containerPort: 80 }, { containerPort: 53, protocol: "UDP" }] };
  expect(told(deployment("web:1"), deployment("web:1", port))).toEqual([
    ["spec.template.spec.containers[name=web].ports[containerPort=80].containerPort", undefined, 80],
    ["spec.template.spec.containers[name=web].ports[containerPort=53,protocol=UDP].containerPort", undefined, 53],
    ["spec.template.spec.containers[name=web].ports[containerPort=53,protocol=UDP].protocol", undefined, "UDP"],
  ]);
});

test("what is new, what goes, and what is empty are told apart", () => {
  expect(told({ a: 1, b: {}, c: [] }, { b: { x: null }, c: [""], d: {} })).toEqual([
    ["a", 1, undefined],
    ["b.x", undefined, null],
    ["c", [], [""]],
    ["d", undefined, {}],
  ]);
  expect(told(undefined, { a: { b: 1 } })).toEqual([["a.b", undefined, 1]]);
  expect(told({ a: { b: 1 } }, undefined)).toEqual([["a.b", 1, undefined]]);
  expect(told({ a: 1, b: 2 }, { b: 2, a: 1 })).toEqual([]);
});

test("a list of plain values is told whole, one of rules by what goes and comes", () => {
  expect(told({ args: ["a", "b"] }, { args: ["x", "a", "b"] })).toEqual([["args", ["a", "b"], ["x", "a", "b"]]]);
  const rule = (...verbs: string[]): Json => ({ verbs, resources: ["pods"] });
  expect(told({ rules: [rule("get"), rule("list")] }, { rules: [rule("get"), rule("*"), rule("list")] })).toEqual([
    ["rules[1]", undefined, rule("*")],
  ]);
  expect(told({ rules: [rule("get")] }, { rules: [rule("*")] })).toEqual([["rules[0].verbs", ["get"], ["*"]]]);
});

test("another order of containers is a change", () => {
  const list = (...names: string[]): Json => ({ initContainers: names.map((name) => ({ name })) });
  expect(told(list("a", "b"), list("b", "a"))).toEqual([["initContainers (order)", ['["a"]', '["b"]'], ['["b"]', '["a"]']]]);
  expect(told(list("a", "b"), list("c", "a", "b")).map(([path]) => path)).toEqual(["initContainers[name=c].name"]);
});

test("a name cannot look like a path", () => {
  const odd = { "a.b": 1, 'spec"].image': 1, "": 1 };
  expect(told({ x: 1 }, { x: 1, ...odd }).map(([path]) => path)).toEqual(['["a.b"]', '["spec\\"].image"]', '[""]']);
  expect(told({ l: [{ name: "a" }] }, { l: [{ name: "a" }, { name: "web].image" }] })).toEqual([
    ['l[name="web].image"].name', undefined, "web].image"],
  ]);
});

test("applied to what is, the differences give what would be", () => {
  const leaf = fc.oneof(fc.constantFrom<Json>(1, 2, "a", "b", true, null, {}, []));
  const { tree } = fc.letrec<{ tree: Json }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      leaf,
      fc.dictionary(fc.constantFrom("a", "b", "__proto__", "name"), tie("tree"), { maxKeys: 3 }),
      fc.array(tie("tree"), { maxLength: 3 }),
      fc.array(fc.record({ name: fc.constantFrom("x", "y", "z"), value: tie("tree") }), { maxLength: 3 }),
    ),
  }));
  fc.assert(
    fc.property(tree, tree, (before, after) => {
      const differences = fieldDifferences(before, after);
      expect(sorted(applied(before, differences))).toBe(sorted(after));
      if (canonicalJson(before) === canonicalJson(after)) expect(differences).toEqual([]);
    }),
    { numRuns: 2000 },
  );
});

/** Lists whose elements have keys are the same in any order, which is told by itself; what holds nothing is as good as nothing. */
function sorted(value: Json | undefined): string {
  const holds = (one: Json | undefined) => typeof one !== "object" || one === null || Object.keys(one).length > 0;
  const plain = (one: Json | undefined): Json => {
    if (Array.isArray(one)) {
      const items = one.map(plain).filter(holds);
      return items.some(isFields) ? items.toSorted((a, b) => (canonicalJson(a) < canonicalJson(b) ? -1 : 1)) : items;
    }
    if (!isFields(one)) return one ?? null;
    const members = Object.entries(one).map(([name, member]) => [name, plain(member)] as const);
    return Object.fromEntries(members.filter(([, member]) => holds(member)));
  };
  return canonicalJson(plain(value));
}

function applied(value: Json | undefined, differences: readonly FieldDifference[]): Json | undefined {
  const root = { value: structuredClone(value) as unknown };
  // What goes by its place goes from the end, what elements are found by goes last.
  const isPlace = ({ path, after }: FieldDifference) => path.at(-1)?.at === "index" && after === undefined;
  const isKey = ({ path, after }: FieldDifference) => {
    const [element, last] = path.slice(-2);
    return (
      after === undefined && element?.at === "element" && last?.at === "name" && element.key.some(([name]) => name === last.name)
    );
  };
  const places = differences.filter(isPlace).reverse();
  const keys = differences.filter(isKey).toSorted((a, b) => b.path.length - a.path.length);
  const others = differences.filter((one) => !isPlace(one) && !isKey(one));
  for (const one of [...places, ...others, ...keys]) if (one.path.at(-1)?.at !== "order") put(root, "value", one.path, one);
  return root.value as Json | undefined;
}

type Sides = Pick<FieldDifference, "before" | "after">;

function put(holder: object, name: string, path: readonly Step[], sides: Sides): void {
  const [step, ...rest] = path;
  const at: unknown = Object.getOwnPropertyDescriptor(holder, name)?.value;
  if (step === undefined) {
    if (sides.after === undefined) Reflect.deleteProperty(holder, name);
    else Object.defineProperty(holder, name, { value: sides.after, configurable: true, enumerable: true, writable: true });
    return;
  }
  const holds = typeof at === "object" && at !== null ? at : step.at === "name" ? {} : [];
  if (holds !== at) put(holder, name, [], { after: holds as Json });
  if (step.at === "name") put(holds, step.name, rest, sides);
  if (step.at === "name" || step.at === "order") return;
  const list = holds as Json[];
  const isOne = (item: Json) =>
    step.at === "element" && step.key.every(([member, value]) => isFields(item) && item[member] === value);
  const found = step.at === "index" ? step.index : list.findIndex(isOne);
  const index = found < 0 ? list.length : found;
  if (found < 0 && step.at === "element" && rest.length > 0) list.push(Object.fromEntries(step.key));
  if (rest.length > 0) put(list, String(index), rest, sides);
  else list.splice(index, sides.before === undefined ? 0 : 1, ...(sides.after === undefined ? [] : [sides.after]));
}
