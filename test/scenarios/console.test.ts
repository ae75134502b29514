import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Browser, openBrowser } from "../harness/browser.ts";
import { Instance } from "../harness/instance.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let instance: Instance;
let id: string;
beforeAll(async () => {
  instance = await Instance.start();
  await using cs = instance.client({ session: "console-test" });
  const statement = "delete from orders where status = $1 and customer = $2";
  ({ id } = await cs.submit(
    { kind: "postgres.query", resource: "orders-db", statement, parameters: ["duplicate", "A\u202eCME"] },
    { reason: "The user asked for it." },
  ));
});
afterAll(async () => {
  await instance?.[Symbol.asyncDispose]();
});

async function signIn(browser: Browser): Promise<Page> {
  const { stdout } = await instance.cli("sign-in", "--as", "alice");
  const page = await browser.context.newPage();
  await page.goto(/http\S+/.exec(stdout)?.[0] ?? "");
  await page.getByRole("heading", { level: 1, name: "Inbox" }).waitFor();
  return page;
}

/** What axe finds wrong with a page. */
async function violations(page: Page): Promise<string[]> {
  // As a browser extension would: the page's own policy forbids scripts from elsewhere.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: axe });
  const { result } = await session.send("Runtime.evaluate", {
    expression:
      "axe.run().then(({ violations }) => JSON.stringify(violations.flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => [id, html, failureSummary].join(' ')))))",
    awaitPromise: true,
  });
  return JSON.parse(String(result.value));
}

test.each([
  ["desktop, light", 1280, false],
  ["desktop, dark", 1280, true],
  ["phone, light", 390, false],
  ["phone, dark", 390, true],
] as const)("%s: no accessibility violations, nothing wider than the screen, no errors", async (_, width, dark) => {
  await using browser = await openBrowser({ width, dark });
  const page = await signIn(browser);
  const errors: string[] = [];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  for (const [path, heading] of [
    ["/", "Inbox"],
    [`/requests/${id}`, /asks to/],
    ["/history", "History"],
  ] as const) {
    await page.goto(`${instance.at.console}${path}`);
    await page.getByRole("heading", { level: 1, name: heading }).waitFor();
    expect({ path, found: await violations(page) }).toEqual({ path, found: [] });
    expect(await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")).toBe(true);
  }
  expect(errors).toEqual([]);
});

test("ap-display: hidden characters in a parameter are shown, not obeyed", async () => {
  await using browser = await openBrowser();
  const page = await signIn(browser);
  await page.goto(`${instance.at.console}/requests/${id}`);
  await page
    .getByText(/\\u\{202e\}/i)
    .first()
    .waitFor();
  expect(await page.getByRole("main").textContent()).not.toContain("\u202e");
});

test("a sign-in link works once", async () => {
  const { stdout } = await instance.cli("sign-in", "--as", "bob");
  const link = /http\S+/.exec(stdout)?.[0] ?? "";
  await using first = await openBrowser();
  const page = await first.context.newPage();
  await page.goto(link);
  await page.getByRole("heading", { level: 1, name: "Inbox" }).waitFor();
  await using second = await openBrowser();
  const again = await second.context.newPage();
  await again.goto(link);
  await again
    .getByText(/countersign sign-in/)
    .first()
    .waitFor();
});

test("with the keyboard alone: open the request, look, deny it", async () => {
  await using browser = await openBrowser();
  const page = await signIn(browser);
  await page
    .getByRole("link", { name: /delete from orders/ })
    .first()
    .waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/requests\/req_/);
  await page.getByRole("button", { name: "Deny", exact: true }).waitFor();
  await page.keyboard.press("d");
  await page.getByRole("button", { name: "Confirm denial" }).waitFor();
  await page.keyboard.press("Control+Enter");
  await page
    .getByRole("main")
    .getByText(/denied/i)
    .first()
    .waitFor();
  expect(await instance.value("select count(*)::int from orders where status = 'duplicate'")).toBe(100);
});
