import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exitCodes } from "../../exit.ts";
import { run } from "../../run.ts";
import { testingTerminal } from "../../terminal/testing-terminal.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cs-explain-"));
  await writeFile(join(folder, "policy.yaml"), policy);
  await writeFile(join(folder, "countersign.yaml"), config);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const policy = `version: 1
rules:
  - id: reads-are-free
    resources: [orders-db]
    when: sql.readOnly && !sql.tables.exists(t, t.startsWith("secret."))
    effect: allow
    role: reader
    limits: { rows: 1000, bytes: 10MB, time: 30s }
  - id: writes-need-a-human
    resources: [orders-db]
    when: sql.writes
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba-oncall] }] }
  - id: never
    when: sql.kinds.exists(k, k in ["DROP", "ALTER SYSTEM"])
    effect: deny
    message: Ask the platform team.
  - { id: mine, effect: deny, when: 'ssh.programs.exists(p, p == "rm") && principal.claims.team == "payments"' }
  - { id: late, effect: deny, when: 'http.method == "POST" && now > timestamp("2030-01-01T00:00:00Z")' }
`;

const config = `version: 1
approvers: [{ name: alice, groups: [dba-oncall] }]
resources:
  - name: orders-db
    type: postgres
    address: 127.0.0.1:5432
    database: orders
    tls: disable
    searchPath: [app]
    roles: { reader: { user: r, password: { env: R } }, writer: { user: w, password: { env: W } } }
  - name: users-db
    type: postgres
    address: 127.0.0.1:5432
    database: users
    tls: disable
    roles: { reader: { user: r, password: { env: R } } }
`;

async function explain(argv: readonly string[], stdin: readonly (string | Uint8Array)[] = []) {
  const terminal = { ...testingTerminal({ cwd: folder }), stdin: Readable.from(stdin.map((one) => Buffer.from(one))) };
  const code = await run(["policy", "explain", ...argv], terminal);
  return { code, out: terminal.out(), err: terminal.err() };
}

const named = ["--policy", "policy.yaml", "--type"];

describe("as text", () => {
  test("the decision, the facts, the rules that decided with their conditions, then the others", async () => {
    const { code, out } = await explain(["--resource", "orders-db", "--type", "postgres", "select * from orders"]);
    expect(code).toBe(exitCodes.ok);
    expect(out).toContain("ALLOW  as reader  at most rows 1000, bytes 10MB, time 30s\n");
    expect(out).toMatch(/sql\.reads +\["app\.orders"\]\n/);
    expect(out.slice(out.indexOf("Rules"))).toBe(`Rules
  ✓ reads-are-free (policy.yaml:3)  allow, matched
      ✓ all of
        ✓ sql.readOnly  5:11
        ✓ not
          ✗ sql.tables.exists(t, t.startsWith("secret."))  sql.tables = ["app.orders"]  5:28
  ✗ never (policy.yaml:15)  deny, not matched: sql.kinds.exists(k, k in ["DROP", "ALTER SYSTEM"]) is false for every element (sql.kinds = ["SELECT"])
  ✗ writes-need-a-human (policy.yaml:9)  review, not matched: sql.writes is false
  About other resources or types of operation: late, mine
`);
  });

  test("several statements one by one", async () => {
    const { out } = await explain([...named, "postgres", "select 1; drop table x"]);
    expect(out).toMatch(/^DENY\n {2}Denied by the rule never: Ask the platform team\.\n/);
    expect(out).toMatch(/Part 1 {2}select 1\n {2}ALLOW {2}as reader/);
    expect(out).toMatch(/Part 2 {2}drop table x\n {2}DENY\n/);
    expect(out).toContain("No --resource is given");
  });

  test("what is not understood and what is refused", async () => {
    expect((await explain([...named, "postgres", "select f()"])).out).toMatch(
      /^REVIEW {2}as writer\n {2}writes-need-a-human asks for 1 of group:dba-oncall\n {2}Not fully understood:\n {4}\S/,
    );
    const refused = await explain([...named, "postgres", "selec"]);
    expect(refused.code).toBe(exitCodes.ok);
    expect(refused.out).toMatch(/^DENY\n.*syntax error.*\n.*\(invalid_operation\)/);
  });

  test("colours only on a terminal, and nothing in the operation acts on it", async () => {
    const terminal = testingTerminal({ cwd: folder });
    const screen = Object.assign(terminal.stdout, { isTTY: true, getColorDepth: () => 8, hasColors: () => true });
    const argv = ["policy", "explain", ...named, "postgres", "select '\u001b[2J\u202e'"];
    await run(argv, { ...terminal, stdout: screen });
    const plain = stripVTControlCharacters(terminal.out());
    expect(terminal.out()).not.toBe(plain);
    expect(terminal.out()).not.toContain("\u001b[2J");
    expect(plain).not.toContain("\u202e");
    expect((await explain([...named, "postgres", "select 1"])).out).not.toContain("\u001b");
  });
});

describe("who asks for what", () => {
  const json = async (...argv: string[]) => JSON.parse((await explain([...argv, "--json"])).out);

  test("the caller and the time", async () => {
    const rm = [...named, "ssh", "rm x"];
    expect(await json(...rm, "--claim", "team=payments")).toMatchObject({ effect: "deny", rules: ["mine"] });
    expect(await json(...rm, "--claim", 'team="orders"')).toMatchObject({ rules: [] });
    expect(await json(...named, "http", "POST /x", "--now", "2030-01-02T00:00:00Z")).toMatchObject({ rules: ["late"] });
    expect(await json(...named, "http", "POST /x", "--now", "2029-01-02T00:00:00Z")).toMatchObject({ rules: [] });
  });

  test("the resource, from the configuration or the command line", async () => {
    const select = ["--type", "postgres", "select 1"];
    expect(await json(...select, "--resource", "users-db")).toMatchObject({ effect: "deny", rules: [] });
    expect(await json(...select, "--resource", "orders-db")).toMatchObject({ effect: "allow", role: "reader" });
    expect(await json(...named, "postgres", "select 1", "--resource", "orders-db", "--roles", "writer")).toMatchObject({
      effect: "deny",
      message: expect.stringContaining("names the role reader"),
    });
    expect(await json(...select, "--resource", "orders-db", "--role", "writer")).toMatchObject({ effect: "deny" });
  });

  test("an operation as JSON, from standard input, with parameters", async () => {
    expect(await json(...named, "postgres", '{"sql": "select $1", "parameters": [1]}')).toMatchObject({ effect: "allow" });
    expect(JSON.parse((await explain([...named, "postgres", "--json", "-"], ["select", " 1\n"])).out)).toMatchObject({
      facts: { sql: { text: "select 1" } },
    });
    expect(await json(...named, "postgres", "select $1")).toMatchObject({ effect: "allow" });
    expect(await json(...named, "postgres", "select $1", "--param", "a", "--param", "b")).toMatchObject({
      error: { code: "invalid_parameter" },
    });
    expect(await json(...named, "mcp", 'github/get_issue {"number": 7}')).toMatchObject({ facts: { protocol: "mcp" } });
  });
});

describe("mistakes on the command line are told, with their own status", () => {
  test.each([
    [[...named, "postgres"], "No operation is given"],
    [["--policy", "policy.yaml", "select 1"], "--type is missing"],
    [[...named, "postgre", "x"], "Allowed choices"],
    [["--policy", "none.yaml", "--type", "ssh", "ls"], "none.yaml"],
    [["--type", "postgres", "--resource", "nope", "x"], 'no resource "nope"'],
    [[...named, "ssh", "ls", "--param", "1"], "--param goes with an SQL text"],
    [[...named, "ssh", "--batch", "ls"], "take the OPERATION out"],
    [[...named, "ssh", "--batch", "--json"], "--json"],
    [[...named, "ssh", "ls", "--now", "today"], "is not a time"],
    [[...named, "ssh", "ls", "--claim", "x"], "NAME=VALUE"],
    [[...named, "ssh", "ls", "--label", "x"], "KEY=VALUE"],
    [[...named, "postgres", '{"statment": "x"}'], 'did you mean "statement"?'],
    [[...named, "http", "nonsense"], "METHOD PATH"],
  ])("%j", async (argv, message) => {
    const { code, out, err } = await explain(argv);
    expect({ code, out }).toEqual({ code: exitCodes.usage, out: "" });
    expect(err).toContain(message);
  });
});

describe("--batch", () => {
  const batch = async (lines: readonly (string | Uint8Array)[], ...argv: string[]) => {
    const { code, out, err } = await explain([...named, "postgres", "--batch", ...argv], lines);
    expect({ code, err }).toEqual({ code: exitCodes.ok, err: "" });
    return out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  };

  test("one answer a line, in order, whatever a line holds", async () => {
    const answers = await batch([
      '"select 1"\n{"id": 7, "sql": "drop table x"}\n',
      "nonsense\n\n",
      '{"id": "n", "statment": "x"}\n{"sta',
      'tement": "selec"}\n["x"]\n',
      new Uint8Array([0x22, 0xff, 0x22, 0x0a]),
      '{"type": "ssh", "argv": ["ls"]}\n{"sql": "select 1; drop table x"}\n{"sql": "select 1", "resource": "users-db"}',
    ]);
    expect(answers).toMatchObject([
      { effect: "allow", rules: ["reads-are-free"], opaque: false, facts: { sql: { readOnly: true } }, role: "reader" },
      { id: 7, effect: "deny", rules: ["never"], message: expect.stringContaining("Ask the platform team.") },
      { effect: "deny", rules: [], opaque: true, facts: null, error: { code: "invalid_request" } },
      { error: { code: "invalid_request", message: "The line is not JSON: it is empty." } },
      { id: "n", error: { code: "invalid_request", message: expect.stringContaining('did you mean "statement"?') } },
      { effect: "deny", facts: null, error: { code: "invalid_operation" } },
      { error: { code: "invalid_request" } },
      { error: { code: "invalid_request", message: "The line is not UTF-8 text." } },
      { effect: "deny", facts: { ssh: { opaque: false } } },
      { effect: "deny", parts: [{ effect: "allow" }, { effect: "deny", rules: ["never"] }] },
      { effect: "deny", rules: [] },
    ]);
    expect(answers).toHaveLength(11);
  });

  test("each line says who asks for what, or the command line does", async () => {
    const rm = { type: "ssh", command: "rm x" };
    const answers = await batch(
      [
        { ...rm },
        { ...rm, principal: { claims: { team: "payments" } } },
        { type: "http", method: "POST", path: "/", now: "2031-01-01T00:00:00Z" },
      ].map((one) => `${JSON.stringify(one)}\n`),
      "--claim",
      "team=orders",
    );
    expect(answers.map(({ rules }) => rules)).toEqual([[], ["mine"], ["late"]]);
  });

  test("with a configuration its resources count", async () => {
    const lines = ["orders-db", "users-db", "nope"].map((resource) => `${JSON.stringify({ sql: "select 1", resource })}\n`);
    const { out } = await explain(
      ["--type", "postgres", "--batch"],
      [...lines, '{"type":"ssh","command":"ls","resource":"orders-db"}\n'],
    );
    const answers = out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(answers).toMatchObject([
      { effect: "allow" },
      { effect: "deny", rules: [] },
      { effect: "deny", error: { code: "unknown_resource" } },
      { effect: "deny", error: { code: "invalid_request", message: expect.stringContaining("is of type postgres") } },
    ]);
  });

  test("a line is answered before the next one comes", async () => {
    const stdin = new PassThrough();
    const terminal = { ...testingTerminal({ cwd: folder }), stdin };
    const ended = run(["policy", "explain", ...named, "postgres", "--batch"], terminal);
    for (let count = 1; count <= 3; count++) {
      stdin.write('"select 1"\n');
      await expect.poll(() => terminal.out().split("\n").length - 1, { timeout: 10_000 }).toBe(count);
    }
    stdin.end();
    expect(await ended).toBe(exitCodes.ok);
  });
});
