import { beforeAll, describe, expect, it } from "vitest";
import type { PostgresFacts } from "../../facts.ts";
import { classify } from "../../facts.ts";
import { rememberFacts } from "../postgres.ts";
import { loadParser } from "./parser.ts";

beforeAll(loadParser);

function facts(statement: string, runs?: readonly string[]): PostgresFacts["sql"] {
  const operation = { kind: "postgres.query", statement, parameters: [], ...(runs && { runs }) } as const;
  return classify(operation, { searchPath: ["public"] }).sql;
}

describe("pg-walk: EXECUTE and FETCH, where it is known what they run", () => {
  it("are what they run", () => {
    const found = facts("execute q(7)", ["prepare q (int) as delete from orders where id = $1"]);
    expect(found).toMatchObject({ kinds: ["DELETE", "EXECUTE"], writes: true, writesTo: ["public.orders"], opaque: false });
    expect(found.hasWhere).toBe(true);
    expect(facts("execute q(7)", ["select * from a where id = $1"])).toMatchObject({ readOnly: true, reads: ["public.a"] });
    expect(facts("fetch 10 from c", ["declare c cursor for select * from a"])).toMatchObject({
      opaque: false,
      reads: ["public.a"],
    });
  });

  it("stay opaque where it is not known, or not of each of them", () => {
    expect(facts("execute q").opaque).toBe(true);
    expect(facts("execute q; execute r", ["select 1"]).opaque).toBe(true);
    expect(facts("execute q", ["select 1", "select 2"]).opaque).toBe(true);
    expect(facts("execute q", ["execute r"]).opaque).toBe(true);
    expect(facts("explain analyze execute q", ["select 1"]).opaque).toBe(true);
    expect(facts("execute q(f())", ["select $1"]).functions).toEqual(["public.f"]);
    expect(facts("execute q(f())", ["select $1"]).opaque).toBe(true);
    expect(facts("execute q", ["select f()"]).opaque).toBe(true);
  });

  it("are told apart by what they run", () => {
    const [a, b] = [facts("execute q", ["select 1 from a"]), facts("execute q", ["select 1 from b"])];
    expect(a.fingerprint).not.toBe(b.fingerprint);
    expect(a.fingerprint).toBe(facts("execute q", ["select 2 from a"]).fingerprint);
  });
});

describe("pg-bind: parameters that a type declares", () => {
  const operation = (parameters: readonly { text: string }[], types?: readonly number[]) =>
    ({ kind: "postgres.query", statement: "select 1 / 0", parameters, ...(types && { types }) }) as const;

  it("are expected whether or not the text uses them, as PostgreSQL does", () => {
    const options = { searchPath: ["public"] };
    expect(classify(operation([{ text: "1" }], [21]), options).sql.kinds).toEqual(["SELECT"]);
    expect(() => classify(operation([{ text: "1" }]), options)).toThrow(/1 parameter was given/);
    expect(() => classify(operation([], [21]), options)).toThrow(/0 parameters were given/);
  });

  it("of a text that was read elsewhere are not taken for those of the text", () => {
    const options = { searchPath: ["public"] };
    const statement = `select $1::int, '${"x".repeat(9000)}'`;
    const unbound = { kind: "postgres.query", statement, parameters: [] } as const;
    const facts = classify({ ...unbound, parameters: [{ text: "1" }] }, { ...options, searchPath: ["elsewhere"] });
    rememberFacts(unbound, { ...options, unbound: true }, JSON.parse(JSON.stringify(facts)));
    expect(classify({ ...unbound, parameters: [{ text: "1" }] }, options).sql.kinds).toEqual(["SELECT"]);
  });
});
