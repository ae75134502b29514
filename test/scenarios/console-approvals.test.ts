import { fileURLToPath } from "node:url";
import type { Countersign } from "@countersign/sdk";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { type Browser, openBrowser } from "../harness/browser.ts";
import { readWhole, signIn, violations } from "../harness/console-page.ts";
import { Instance } from "../harness/instance.ts";
import { ordersPolicy } from "../harness/orders.ts";

const policy = ordersPolicy.replace(
  "      validFor: 5m\n",
  `      validFor: 5m
      evidence: effect
      grants: { maxUses: 20, maxTtl: 8h }
      breakGlass: { approvers: ["user:mallory"] }
`,
);
const deletion = "delete from orders where id = $1 and status = 'duplicate'";

let instance: Instance;
let browser: Browser;
let cs: Countersign;
beforeAll(async () => {
  instance = await Instance.start({ policy });
});
beforeEach(async () => {
  cs = instance.client();
  browser = await openBrowser();
});
afterEach(async () => {
  await browser?.[Symbol.asyncDispose]();
  await cs?.close();
});
afterAll(async () => {
  await instance?.[Symbol.asyncDispose]();
});

async function submit(parameter: number): Promise<string> {
  const { id } = await cs.submit({
    ...{ kind: "postgres.query", resource: "orders-db", statement: deletion, parameters: [parameter] },
  });
  return id;
}

/** What became of a statement that was tried: it ran, or why not; it waits when nothing is said for a second. */
async function fate(parameter: number): Promise<string> {
  const stop = AbortSignal.timeout(1200);
  try {
    const query = cs.postgres("orders-db").query(deletion, [parameter], { signal: stop, cancelOnAbort: true });
    return `ran ${(await query).rowCount}`;
  } catch (error) {
    if (stop.aborted) return "waits";
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}

async function openRequest(id: string, name: string): Promise<Page> {
  const page = await signIn(browser, instance, name);
  await page.goto(`${instance.at.console}/requests/${id}`);
  await readWhole(page);
  return page;
}

const dialog = (page: Page) => page.getByRole("dialog");

test("what it would do is shown before the click, tried out and rolled back", async () => {
  const page = await openRequest(await submit(5), "alice");
  await page.getByText("It would change 1 row").waitFor();
  await page.getByRole("group", { name: "Rows, before and after" }).getByText("removed").waitFor();
  expect(await instance.value("select count(*)::int from orders where id = 5")).toBe(1);
  expect(await violations(page)).toEqual([]);
});

test("a request that is revoked on its page ends, and the agent is told why", async () => {
  const pending = Promise.withResolvers<string>();
  const query = cs.postgres("orders-db").query(deletion, [5], {
    onEvent: (event) => event.type === "pending" && pending.resolve(event.requestId),
  });
  const refusal = query.then(
    () => "it ran",
    (error) => error,
  );
  const page = await openRequest(await pending.promise, "alice");
  await page.getByRole("button", { name: "Revoke…" }).click();
  await dialog(page).getByRole("button", { name: "Revoke it" }).click();
  await dialog(page).getByText("Say why: it is recorded.").waitFor();
  await page.keyboard.type("not this week");
  await page.keyboard.press("Control+Enter");
  await page.getByText("Revoked by alice: not this week").waitFor();
  expect(await refusal).toMatchObject({ code: "revoked", message: expect.stringContaining("not this week") });
});

test("a grant that was approved on the page lets the same run within its bounds, until it is revoked on its page", async () => {
  const page = await openRequest(await submit(10), "alice");
  await page.getByRole("button", { name: /let it run again/ }).click();
  await dialog(page).getByRole("combobox", { name: "$1 may be" }).selectOption("range");
  await dialog(page).getByRole("textbox", { name: "from" }).fill("1");
  await dialog(page).getByRole("textbox", { name: "to" }).fill("100");
  await dialog(page)
    .getByText(/At worst, .* will delete rows from .*orders on orders-db 5 more times within 1 hour, choosing \$1 within/)
    .waitFor();
  expect(await violations(page)).toEqual([]);
  await dialog(page).getByRole("button", { name: "Approve with this grant" }).click();
  await page.getByText("With a grant: 5 times within 1 hour").waitFor();
  expect(await fate(15)).toBe("ran 1");
  expect(await fate(105)).toBe("waits");

  await page.goto(`${instance.at.console}/grants`);
  await page.getByText("1 of 5 uses taken").waitFor();
  expect(await violations(page)).toEqual([]);
  await page.getByRole("button", { name: /^Revoke the grant to/ }).click();
  await page.keyboard.type("enough");
  await page.keyboard.press("Control+Enter");
  await page.getByText("No grant is in force").waitFor();
  expect(await fate(20)).toBe("waits");
});

test("a plan is read whole, line by line; a line that is struck out on the page does not run", async () => {
  const line = (parameter: number) => ({
    ...({ kind: "postgres.query", resource: "orders-db", statement: deletion, parameters: [parameter] } as const),
  });
  const plan = await cs.plan([line(60), line(65), line(70)], { reason: "Duplicates." });
  const page = await openRequest(plan.id, "alice");
  await page.getByRole("heading", { level: 1, name: /run a plan of 3 lines/ }).waitFor();
  const shown = await page.getByRole("group", { name: /The whole statement of line/ }).allTextContents();
  expect(shown).toEqual([deletion, deletion, deletion]);
  await page.getByRole("checkbox", { name: "Strike out line 2" }).check();
  expect(await violations(page)).toEqual([]);
  await page.getByRole("button", { name: "Approve", exact: true }).click();
  await page.getByText("2 lines may run once, in this order, as shown. 1 line struck out").waitFor();
  await page.getByRole("button", { name: "Confirm approval" }).click();
  const ran: number[] = [];
  for await (const outcome of plan.runAll()) ran.push(outcome.index);
  expect(ran).toEqual([0, 2]);
  expect(await instance.value("select string_agg(id::text, ',') from orders where id in (60, 65, 70)")).toBe("65");
  await page.getByRole("heading", { name: "Succeeded" }).waitFor();
  await page.getByRole("listitem", { name: "Line 2" }).getByText("Struck out: does not run").waitFor();
});

test("an emergency: approved alone with a reason by who may, and reviewed by somebody else", async () => {
  const id = await submit(25);
  const page = await openRequest(id, "mallory");
  expect(await page.getByRole("button", { name: "Approve", exact: true }).isDisabled()).toBe(true);
  await page.getByRole("button", { name: /in an emergency/ }).click();
  await dialog(page).getByRole("button", { name: "Break the glass and approve" }).click();
  await dialog(page).getByText("Say why: it is recorded.").waitFor();
  await page.keyboard.type("customers see wrong totals");
  await page.keyboard.press("Control+Enter");
  await page.getByText("mallory approved this alone, in an emergency").waitFor();
  expect(await violations(page)).toEqual([]);
  await page.goto(`${instance.at.console}/reviews`);
  await page.getByText("You approved it: somebody else has to review it.").waitFor();

  await using other = await openBrowser();
  const reviewer = await signIn(other, instance, "alice");
  await reviewer.getByText("1 emergency without a review").waitFor();
  await reviewer.goto(`${instance.at.console}/reviews`);
  expect(await violations(reviewer)).toEqual([]);
  await reviewer.getByRole("button", { name: /^Close the review of mallory/ }).click();
  await reviewer.keyboard.type("it was one");
  await reviewer.keyboard.press("Control+Enter");
  await reviewer.getByText("All emergencies were reviewed.").waitFor();
});

test("an edit takes the place of the request, and runs once it is approved", async () => {
  const pending = Promise.withResolvers<string>();
  const ran = cs.postgres("orders-db").query(deletion, [30], {
    onEvent: (event) => event.type === "pending" && pending.resolve(event.requestId),
  });
  const page = await openRequest(await pending.promise, "alice");
  await page.getByRole("button", { name: /Propose an edit/ }).click();
  await dialog(page).getByRole("textbox", { name: "Value of $1" }).fill("35");
  await dialog(page).getByRole("region", { name: "What you change" }).getByText("“35”").waitFor();
  await dialog(page).getByRole("textbox", { name: /^Why/ }).fill("30 is a real order");
  await dialog(page).getByRole("button", { name: "Send the edit" }).click();
  await page.getByText(/dited by alice/).waitFor();
  await readWhole(page);
  await page.getByRole("button", { name: "Approve", exact: true }).click();
  await page.getByRole("button", { name: "Confirm approval" }).click();
  expect((await ran).rowCount).toBe(1);
  expect(await instance.value("select string_agg(id::text, ',' order by id) from orders where id in (30, 35)")).toBe("30");
  await page.getByRole("link", { name: "an earlier request" }).click();
  await page.getByText("Another request took the place of this one").waitFor();
});

test("who has somebody's right to vote is told in the inbox, and it is on record with the vote", async () => {
  const page = await signIn(browser, instance, "alice");
  await page.goto(`${instance.at.console}/delegations`);
  await page.getByRole("button", { name: "Delegate…" }).click();
  await dialog(page).getByRole("textbox", { name: "Person" }).fill("nobody-here");
  await dialog(page).getByRole("button", { name: "Delegate", exact: true }).click();
  await dialog(page).getByRole("alert").waitFor();
  await dialog(page).getByRole("textbox", { name: "Person" }).fill("mallory");
  await dialog(page).getByRole("button", { name: "Delegate", exact: true }).click();
  await page.getByRole("button", { name: "End the delegation from alice to mallory" }).waitFor();
  expect(await violations(page)).toEqual([]);

  await using other = await openBrowser();
  const mallory = await signIn(other, instance, "mallory");
  await mallory.getByText("You decide for alice until").waitFor();
  await mallory.goto(`${instance.at.console}/requests/${await submit(40)}`);
  await readWhole(mallory);
  await mallory.getByRole("button", { name: "Deny", exact: true }).click();
  await mallory.getByRole("button", { name: "Confirm denial" }).click();
  await mallory.getByText(", acting for alice").waitFor();

  await page.getByRole("button", { name: "End the delegation from alice to mallory" }).click();
  await page.getByRole("button", { name: "End it now" }).click();
  await page.getByText("Nobody has delegated").waitFor();
});

test("what is asked for twice is shown once", async () => {
  await submit(45);
  await submit(45);
  const page = await signIn(browser, instance, "alice");
  const group = page.getByRole("button", { name: /2 times the same/ });
  await group.click();
  expect(await group.locator("xpath=..").getByRole("link").count()).toBe(2);
  expect(await violations(page)).toEqual([]);
});

test("an agent that is locked from a request's page runs nothing more, until the lock is lifted", async () => {
  const page = await openRequest(await submit(50), "alice");
  await page.getByRole("button", { name: "Lock this agent…" }).click();
  await page.keyboard.type("runs wild");
  await page.keyboard.press("Control+Enter");
  await page.getByText(/Revoked by alice, who locked .*: runs wild/).waitFor();
  await expect(cs.postgres("orders-db").query("select 1")).rejects.toMatchObject({ code: "revoked" });
  await page.goto(`${instance.at.console}/locks`);
  await page.getByText("runs wild").waitFor();
  expect(await violations(page)).toEqual([]);
  await page.getByRole("button", { name: /^Lift the lock on/ }).click();
  await page.keyboard.type("tamed");
  await page.keyboard.press("Control+Enter");
  await page.getByText("Nothing is locked").waitFor();
  expect((await cs.postgres("orders-db").query("select 1")).rowCount).toBe(1);
});

test("a doubt that only a person can clear up is cleared up on the request's page", async () => {
  const stopping = fileURLToPath(new URL("../faults/stopping.ts", import.meta.url));
  await instance.end();
  await instance.up({
    program: [process.execPath, "--conditions=source", "--no-warnings", stopping],
    env: { STOP_AT: "executed" },
  });
  await using agent = instance.client();
  const { id } = await agent.submit({
    ...{ kind: "postgres.query", resource: "orders-db", statement: deletion, parameters: [55] },
  });
  const killed = instance.ended();
  // The process dies on the way, and with it the answer.
  await instance.cli("approve", id, "--as", "alice", "--yes");
  expect(await killed).toBe("SIGKILL");
  // The target cannot be asked what became of it.
  await instance.postgres.pause();
  try {
    await instance.up();
    const page = await signIn(browser, instance, "alice");
    await page.goto(`${instance.at.console}/requests/${id}`);
    await page.getByRole("heading", { name: "Unknown outcome" }).waitFor();
    await page.getByRole("button", { name: "Say what happened…" }).click();
    await dialog(page)
      .getByRole("radio", { name: /It did not happen/ })
      .check();
    await dialog(page)
      .getByRole("textbox", { name: /How you know/ })
      .fill("The row is still there.");
    await dialog(page).getByRole("button", { name: "Record it" }).click();
    await page.getByRole("heading", { name: "Failed" }).waitFor();
    await page
      .getByText(/The row is still there/)
      .first()
      .waitFor();
  } finally {
    await instance.postgres.restart();
  }
});
