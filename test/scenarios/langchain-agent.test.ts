import { guardedTool } from "@countersign/sdk/langchain";
import { AIMessage, type BaseMessage, type ToolMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { createAgent } from "langchain";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Browser, openBrowser } from "../harness/browser.ts";
import { Instance } from "../harness/instance.ts";
import { ordersPolicy } from "../harness/orders.ts";

let instance: Instance;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  // The third rule is for the test of expiry: a request that nobody answers within a second.
  const impatient = `  - id: updates-wait-a-second
    resources: [orders-db]
    when: sql.kinds.exists(k, k == "UPDATE")
    effect: review
    role: writer
    approval:
      stages:
        - approvers: [group:dba-oncall]
          count: 1
      expires: 1s
      validFor: 5m
`;
  instance = await Instance.start({ policy: ordersPolicy + impatient });
  browser = await openBrowser();
  page = await browser.context.newPage();
  await page.goto(instance.at.signIn);
  await page.getByRole("heading", { level: 1 }).waitFor();
});
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await instance?.[Symbol.asyncDispose]();
});

const duplicates = () => instance.value("select count(*)::int from orders where status = 'duplicate'");

/** A LangChain agent with a scripted model that calls the guarded tool with each statement in turn. */
function agentThatRuns(statements: readonly string[], onPending: (url: string) => void) {
  const client = instance.client({ session: "scenario" });
  const tool = guardedTool({
    ...{ client, resource: "orders-db", name: "run_sql", description: "Runs one SQL statement." },
    onEvent: (event) => event.type === "pending" && onPending(event.approvalUrl),
  });
  let model = fakeModel();
  for (const [index, statement] of statements.entries()) {
    model = model.respondWithTools([{ name: "run_sql", args: { statement }, id: `call-${index}` }]);
  }
  model = model.respond((messages: BaseMessage[]) => new AIMessage(String(messages.at(-1)?.content)));
  const agent = createAgent({ model, tools: [tool] });
  const run = agent.invoke({ messages: [{ role: "user", content: "Clean up the orders." }] }).finally(() => client.close());
  return run.then(({ messages }) =>
    messages.filter((message): message is ToolMessage => message.getType() === "tool").map((message) => String(message.content)),
  );
}

test("a SELECT runs without waiting; a DELETE is held, a person clicks Approve in the console, and only then rows change", async () => {
  const pending = Promise.withResolvers<string>();
  const answers = agentThatRuns(
    ["select count(*)::int as orders from orders", "delete from orders where status = 'duplicate' and id > 250"],
    pending.resolve,
  );
  const url = await pending.promise;
  expect(await duplicates()).toBe(100);

  await page.goto(instance.at.console);
  await page
    .getByRole("link", { name: /delete from orders/ })
    .first()
    .click();
  await page.waitForURL(url);
  await page.getByText("delete from orders where status = 'duplicate' and id > 250").waitFor();
  await page.getByText("writes-need-a-human").first().waitFor();
  expect(await duplicates()).toBe(100);
  await page.getByRole("button", { name: "Approve", exact: true }).click();
  expect(await duplicates()).toBe(100);
  await page.getByRole("button", { name: "Confirm approval" }).click();

  const [select, remove] = await answers;
  expect(select).toContain("500");
  expect(remove).toMatch(/DELETE|50/);
  expect(await duplicates()).toBe(50);
  await page
    .getByText(/succeeded/i)
    .first()
    .waitFor();
});

test("Deny leaves the rows, and the model is told not to try again unchanged", async () => {
  const pending = Promise.withResolvers<string>();
  const before = await duplicates();
  const answers = agentThatRuns(["delete from orders where status = 'duplicate'"], pending.resolve);
  await page.goto(await pending.promise);
  await page.getByRole("button", { name: "Deny", exact: true }).click();
  await page.getByLabel(/comment/i).fill("Ask finance first.");
  await page.getByRole("button", { name: "Confirm denial" }).click();
  const [answer] = await answers;
  expect(answer).toMatch(/^denied: .*Do not call again unchanged/s);
  expect(answer).toContain("Ask finance first.");
  expect(await duplicates()).toBe(before);
});

test("expiry leaves the rows", async () => {
  const paid = () => instance.value("select count(*)::int from orders where status = 'paid'");
  const before = await paid();
  const [answer] = await agentThatRuns(["update orders set status = 'void'"], () => {});
  expect(answer).toMatch(/^expired: /);
  expect(await paid()).toBe(before);
});

test("what the policy never allows is refused at once, in the policy author's words", async () => {
  const [answer] = await agentThatRuns(["drop table orders"], () => expect.unreachable("it must not be held"));
  expect(answer).toContain("Ask the platform team.");
  expect(await instance.value("select count(*)::int from orders")).toBeGreaterThan(0);
});
