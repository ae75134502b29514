import { chmodSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { PolicyStatus, WatchInboxResponse } from "@countersign/rpc";
import { credentials, makeGenericClientConstructor } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { approverClient } from "../harness/approver.ts";
import { type Browser, openBrowser } from "../harness/browser.ts";
import { Instance } from "../harness/instance.ts";
import { ordersPolicy } from "../harness/orders.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let instance: Instance;
beforeAll(async () => {
  instance = await Instance.start();
});
afterAll(async () => {
  await instance?.[Symbol.asyncDispose]();
});

/** A mistake, with an attempt to act on the terminal and on the page that shows it. */
const bad = `${ordersPolicy}  - { id: oops, efect: deny, message: "\\u202e<script>alert(1)</script>" }\n`;
const mistake = /policy\.yaml:\d+:\d+: unknown key "efect"; did you mean "effect"\?/;

function write(text: string): void {
  writeFileSync(join(instance.folder, "policy.yaml.new"), text);
  renameSync(join(instance.folder, "policy.yaml.new"), join(instance.folder, "policy.yaml"));
}

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await what()) return;
    await sleep(50);
  }
  throw new Error(`never: ${what}`);
}

async function openConsole(browser: Browser): Promise<Page> {
  const { stdout } = await instance.cli("sign-in", "--as", "alice");
  const page = await browser.context.newPage();
  await page.goto(/http\S+/.exec(stdout)?.[0] ?? "");
  await page.getByRole("heading", { level: 1, name: "Inbox" }).waitFor();
  return page;
}

async function violations(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: axe });
  const { result } = await session.send("Runtime.evaluate", {
    expression:
      "axe.run().then(({ violations }) => JSON.stringify(violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => [id, html].join(' ')))))",
    awaitPromise: true,
  });
  return JSON.parse(String(result.value));
}

/** What the agents' gRPC health service says. */
async function health(): Promise<string> {
  const path = createRequire(join(process.cwd(), "packages/sidecar/package.json")).resolve(
    "grpc-health-check/proto/health/v1/health.proto",
  );
  const definition = loadSync(path, { enums: String })["grpc.health.v1.Health"];
  const Client = makeGenericClientConstructor(definition as Parameters<typeof makeGenericClientConstructor>[0], "Health");
  const client = new Client(instance.at.agent.replace(/^unix:\/\//, "unix:"), credentials.createInsecure());
  try {
    return await new Promise((resolve, reject) =>
      client.Check?.({ service: "" }, (error: Error | null, answer: { status: string }) =>
        error ? reject(error) : resolve(answer.status),
      ),
    );
  } finally {
    client.close();
  }
}

test("a policy that cannot be used leaves the last good one in force, and every surface says so until it is mended", async () => {
  await using cs = instance.client();
  using alice = await approverClient(instance, "alice");
  const told: PolicyStatus[] = [];
  const inbox = alice.client.watchInbox({}, alice.metadata);
  inbox.on("data", ({ policy }: WatchInboxResponse) => policy && told.push(policy));
  inbox.on("error", () => {});
  await using desktop = await openBrowser({ width: 1280 });
  await using phone = await openBrowser({ width: 360, dark: true });
  const pages = await Promise.all([desktop, phone].map(openConsole));
  await until(() => told.length === 1);
  expect(told[0]).toMatchObject({ failingSinceMs: 0, problems: [], rules: 3 });
  for (const page of pages) expect(await page.getByRole("region", { name: "Policy" }).count()).toBe(0);

  write(bad);
  await until(() => told.length === 2);
  expect(told[1]?.problems.map(({ file, line, message }) => `${file}:${line}:1: ${message}`).join()).toMatch(mistake);
  expect(told[1]?.policyDigest).toBe(told[0]?.policyDigest);
  for (const page of pages) {
    const alert = page.getByRole("region", { name: "Policy" }).getByRole("alert");
    await alert.waitFor();
    expect(await alert.textContent()).toMatch(/not in force/);
    expect(await alert.textContent()).toMatch(mistake);
    expect(await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")).toBe(true);
    expect(await violations(page)).toEqual([]);
    await page.goto(`${instance.at.console}/history`);
    await page.getByRole("region", { name: "Policy" }).waitFor();
  }
  await until(() => /the last good one stays in force/.test(instance.log) && mistake.test(instance.log.replaceAll('\\"', '"')));
  const failing = await instance.cli("policy", "status");
  expect(failing.code).toBe(1);
  expect(failing.stdout).toMatch(mistake);
  expect(JSON.parse((await instance.cli("policy", "status", "--json")).stdout)).toMatchObject({
    digest: told[0]?.policyDigest,
    failure: { problems: expect.arrayContaining([expect.objectContaining({ file: join(instance.folder, "policy.yaml") })]) },
  });
  expect(await health()).toBe("SERVING");
  expect((await cs.postgres("orders-db").query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  // Agents are not told: it is none of their business, and it would tell of private rules.
  expect(await cs.check({ kind: "postgres.query", resource: "orders-db", statement: "select 1" })).toMatchObject({
    effect: "allow",
    policyDigest: told[0]?.policyDigest,
  });

  write(ordersPolicy);
  await until(() => told.length === 3);
  expect(told[2]).toMatchObject({ failingSinceMs: 0, policyDigest: told[0]?.policyDigest });
  for (const page of pages) await page.getByRole("region", { name: "Policy" }).waitFor({ state: "detached" });
  expect((await instance.cli("policy", "status")).code).toBe(0);
  inbox.cancel();
});

test("a file that others can write to is told of at the start", async () => {
  await instance.end();
  write(ordersPolicy);
  chmodSync(join(instance.folder, "policy.yaml"), 0o666);
  await instance.up();
  await until(() => instance.log.includes(`chmod go-w '${join(instance.folder, "policy.yaml")}'`));
  expect((await instance.cli("policy", "status")).stdout).toContain("chmod go-w");
});
