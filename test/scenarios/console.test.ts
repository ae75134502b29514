import { afterAll, beforeAll, expect, test } from "vitest";
import { openBrowser } from "../harness/browser.ts";
import { signIn, violations } from "../harness/console-page.ts";
import { Instance } from "../harness/instance.ts";

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

test.each([
  ["desktop, light", 1280, false],
  ["desktop, dark", 1280, true],
  ["phone, light", 360, false],
  ["phone, dark", 360, true],
] as const)("%s: no accessibility violations, nothing wider than the screen, no errors", async (_, width, dark) => {
  await using browser = await openBrowser({ width, dark });
  const page = await signIn(browser, instance, "alice");
  const errors: string[] = [];
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("pageerror", (error) => errors.push(String(error)));
  for (const [path, heading] of [
    ["/", "Inbox"],
    [`/requests/${id}`, /asks to/],
    ["/history", "History"],
    ["/grants", "Grants"],
    ["/locks", "Locks"],
    ["/delegations", "Delegations"],
    ["/reviews", /Reviews/],
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
  const page = await signIn(browser, instance, "alice");
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
  const page = await signIn(browser, instance, "alice");
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
