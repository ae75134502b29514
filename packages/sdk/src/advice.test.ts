import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { GetPolicyResponse, ListResourcesResponse } from "@countersign/rpc";
import { expect, test } from "vitest";
import { connected, decided, done, numbered, type Script } from "./testing-agent.ts";

const rules = `
version: 1
rules:
  - id: reads
    resources: [orders-db]
    when: sql.readOnly && !sql.tables.exists(t, t.startsWith("secret."))
    effect: allow
    role: reader
    limits: { rows: 1000 }
  - id: writes
    resources: [orders-db]
    when: sql.writes && principal.groups.exists(g, g == "batch")
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba], count: 1 }], expires: 1h }
  - id: never
    resources: [orders-db]
    when: sql.ddl
    effect: deny
    message: Ask the platform team.
`;

function serving(text: string, partial = false) {
  const asked = { policies: 0 };
  const policy: GetPolicyResponse = {
    policyDigest: "sha256:00",
    partial,
    files: { "policy.yaml": text },
    principal: { issuer: "unix", subject: "batch-agent", groups: ["batch"] },
    claimsJson: '{"tier":"gold"}',
  };
  const resource = {
    name: "orders-db",
    type: "postgres",
    labels: {},
    roles: ["reader", "writer"],
    searchPath: ["public"],
    origin: "",
    httpApi: undefined,
  };
  const resources: ListResourcesResponse = { resources: [resource] };
  const script: Script = {
    unary: {
      getPolicy: (_call, answer) => {
        asked.policies++;
        answer(null, policy);
      },
      listResources: (_call, answer) => answer(null, resources),
    },
  };
  return { asked, script };
}

const action = (statement: string, ...parameters: unknown[]) =>
  ({ kind: "postgres.query", resource: "orders-db", statement, parameters }) as const;

test("check says what the sidecar's policy would decide, without asking for the action", async () => {
  const { asked, script } = serving(rules);
  await using here = await connected(script);
  const check = (statement: string, ...parameters: unknown[]) => here.cs.check(action(statement, ...parameters));
  expect(await check("select * from orders where id = $1", 7)).toMatchObject({
    ...{ effect: "allow", rules: ["reads"], role: "reader", limits: { rows: 1000 }, opaque: false, complete: true },
    policyDigest: "sha256:00",
  });
  expect(await check("delete from orders")).toMatchObject({ effect: "review", rules: ["writes"], role: "writer" });
  expect(await check("drop table orders")).toMatchObject({
    effect: "deny",
    rules: ["never"],
    message: expect.stringContaining("Ask the platform team."),
    role: "",
  });
  expect(await check("select * from secret.keys")).toMatchObject({ effect: "deny", rules: [] });
  // One copy of the policy serves for a while.
  expect(asked.policies).toBe(1);
  expect(here.service.executed).toEqual([]);
});

test("what cannot be asked for is refused with the code that the call itself would give", async () => {
  await using here = await connected(serving(rules).script);
  await expect(here.cs.check(action("selec 1"))).rejects.toMatchObject({ name: "CountersignError", code: "invalid_operation" });
  await expect(here.cs.check(action("select 1", Number.NaN))).rejects.toMatchObject({ code: "invalid_parameter" });
  await expect(here.cs.check({ ...action("select 1"), resource: "order-db" })).rejects.toMatchObject({
    code: "unknown_resource",
    message: expect.stringContaining("orders-db"),
  });
});

test("a policy that this SDK cannot read is an error, never an answer; the next question asks again", async () => {
  const { asked, script } = serving("version: 99");
  await using here = await connected(script);
  await expect(here.cs.check(action("select 1"))).rejects.toMatchObject({ code: "internal" });
  await expect(here.cs.check(action("select 1"))).rejects.toMatchObject({ code: "internal" });
  expect(asked.policies).toBe(2);
});

test("where rules are kept from agents, the answer says so, under the whole policy's digest", async () => {
  await using here = await connected(serving(rules, true).script);
  expect(await here.cs.check(action("select 1"))).toMatchObject({ effect: "allow", complete: false, policyDigest: "sha256:00" });
  expect(await here.cs.check(action("drop table orders"))).toMatchObject({ effect: "deny", rules: ["never"], complete: false });
});

test("a decision by another policy makes the next check fetch it, once", async () => {
  const { asked, script } = serving(rules);
  let policyDigest = "sha256:00";
  const execute: Script["execute"] = (_submit, call) => {
    const decision = decided();
    if (decision.$case === "decided" && decision.value.decision) decision.value.decision.policyDigest = policyDigest;
    call.write(numbered(0, decision, { $case: "executing", value: {} }, done("DELETE 1")));
    call.end();
  };
  await using here = await connected({ ...script, execute });
  const check = () => here.cs.check(action("select 1"));
  await check();
  await here.db.query("delete from orders");
  await check();
  expect(asked.policies).toBe(1);
  policyDigest = "sha256:01";
  await here.db.query("delete from orders");
  await check();
  expect(asked.policies).toBe(2);
  // The sidecar's policy is still another than the one that decided: no reason to ask for it again and again.
  await here.db.query("delete from orders");
  await check();
  expect(asked.policies).toBe(2);
});

test("clients that never check do not load the parser", () => {
  const index = new URL("./index.ts", import.meta.url);
  const program = `
    import { registerHooks } from "node:module";
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    await import(${JSON.stringify(index.href)});
    console.log(JSON.stringify(loaded));`;
  const args = ["--conditions=source", "--input-type=module", "-e", program];
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    encoding: "utf8",
  });
  expect(stderr).not.toContain("Error");
  const loaded: string[] = JSON.parse(stdout);
  expect(loaded.some((url) => url.includes("grpc-js"))).toBe(true);
  expect(loaded.filter((url) => /libpg-query|cel-js|unbash|\/zod\/|policy\/src\/(index|facts|policy|grant)/.test(url))).toEqual(
    [],
  );
});
