import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import type { Browser } from "./browser.ts";
import type { Instance } from "./instance.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Signs a person in to an instance's console, as they would: by a link from the command line. */
export async function signIn(browser: Browser, instance: Instance, name: string): Promise<Page> {
  const { stdout } = await instance.cli("sign-in", "--as", name);
  const page = await browser.context.newPage();
  await page.goto(/http\S+/.exec(stdout)?.[0] ?? "");
  await page.getByRole("heading", { level: 1, name: "Inbox" }).waitFor();
  return page;
}

/** What axe finds wrong with a page. */
export async function violations(page: Page): Promise<string[]> {
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

/** Reads an operation whole, as the page asks for before anything can be approved. */
export async function readWhole(page: Page): Promise<void> {
  await page.getByRole("complementary", { name: "Decision" }).waitFor();
  const next = page.getByRole("button", { name: "Show the next unseen part" });
  for (let presses = 0; presses < 60; presses++) {
    await page.waitForTimeout(100);
    if ((await next.count()) === 0) return;
    await next.click({ timeout: 500 }).catch(() => undefined);
  }
}
