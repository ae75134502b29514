import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { parseArgs } from "node:util";
import { RequestState } from "@countersign/rpc";
import axe from "axe-core";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { MockApi } from "./mock-api.ts";
import { serveBuilt } from "./serve.ts";

// Opens the built page in Chromium under the strict Content-Security-Policy, walks through it as a person does, and runs axe on every
// page in both themes and two widths. With --screenshots DIR it leaves pictures; --quick skips the looks. Exits with 1 at the first thing that does not hold.

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    screenshots: { type: "string" },
    chromium: { type: "string", default: "/usr/bin/chromium" },
  },
});
const ids = {
  delete: "req_01KB0001XMOCKQ7Z",
  everyRow: "req_01KB0002XMOCKQ7Z",
  opaque: "req_01KB0003XMOCKQ7Z",
  long: "req_01KB0004XMOCKQ7Z",
  values: "req_01KB0005XMOCKQ7Z",
};

let api = new MockApi({ clock: Date.now, stepMs: 300 });
const { server, origin } = await serveBuilt({
  handle: (...call: Parameters<MockApi["handle"]>) => api.handle(...call),
} as MockApi);
const browser = await chromium.launch({
  executablePath: values.chromium,
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
const faults: string[] = [];
try {
  if (!values.quick) await looks(browser);
  for (const scenario of [signIn, decides, keyboard, mustBeSeen, liveInbox, refusedVotes, comesBack]) {
    api.close();
    api = new MockApi({ clock: Date.now, stepMs: 300 });
    const context = await newContext(browser, { width: 1280, height: 800 });
    await scenario(await context.newPage());
    await context.close();
    console.log(`ok  ${scenario.name}`);
  }
  assert.deepEqual(faults, [], "errors in the page");
} finally {
  await browser.close();
  api.close();
  server.close();
  server.closeAllConnections();
}

/** Every page in every look: no violation of accessibility rules, no sideways scrolling. */
async function looks(on: Browser): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    for (const [name, viewport] of Object.entries({
      desktop: { width: 1280, height: 800 },
      phone: { width: 390, height: 844 },
      narrow: { width: 360, height: 640 },
    })) {
      const context = await newContext(on, viewport, colorScheme);
      const page = await context.newPage();
      const look = async (what: string, ready: () => Promise<unknown>) => {
        await ready();
        await page.waitForTimeout(250);
        await shoot(page, `${what}-${name}-${colorScheme}`);
        await accessible(page, `${what} ${name} ${colorScheme}`);
      };
      const open = (path: string, heading: RegExp) => async () => {
        await page.goto(origin + path);
        await page.getByRole("heading", { level: 1, name: heading }).waitFor();
      };
      await look("signed-out", open("/", /Sign in/));
      await look("sign-in-refused", open("/sign-in#used", /does not work/));
      await look("inbox", open("/sign-in#demo", /Inbox/));
      await look("request", open(`/requests/${ids.delete}`, /asks to delete rows/));
      await look("confirm", () => page.getByRole("button", { name: "Approve" }).click());
      await look("every-row", open(`/requests/${ids.everyRow}`, /asks to change rows/));
      await look("opaque", open(`/requests/${ids.opaque}`, /could not be fully/));
      await look("long", open(`/requests/${ids.long}`, /asks to insert/));
      await look("values", open(`/requests/${ids.values}`, /asks to insert/));
      await look("history", open("/history", /History/));
      await look("ended", async () => {
        await page
          .getByRole("link", { name: /Failed/ })
          .first()
          .click();
        await page.getByRole("heading", { name: "Failed" }).waitFor();
      });
      await look("not-found", open("/requests/req_none", /No such request/));
      if (name === "desktop") {
        await page.keyboard.press("?");
        await look("shortcuts", () => page.getByRole("dialog").waitFor());
      }
      await context.close();
    }
  }
  console.log("ok  looks");
}

async function signIn(page: Page): Promise<void> {
  await page.goto(`${origin}/requests/${ids.delete}`);
  await page.getByText("countersign sign-in").waitFor();
  await page.goto(`${origin}/sign-in#demo`);
  // The page that was wanted comes after signing in, and the token is in no entry of the history.
  await page.getByRole("heading", { level: 1, name: /asks to delete rows/ }).waitFor();
  assert.equal(page.url(), `${origin}/requests/${ids.delete}`);
  await page.goBack();
  assert.ok(!page.url().includes("demo"), page.url());
  await page.goto(origin);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "You are signed out" }).waitFor();
}

async function decides(page: Page): Promise<void> {
  await enter(page, `/requests/${ids.delete}`);
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByRole("textbox", { name: /Comment/ }).fill("checked");
  await page.getByRole("button", { name: "Confirm approval" }).click();
  await page.getByRole("heading", { name: "Succeeded" }).waitFor();
  await page.getByRole("main").getByText("DELETE 3 · 3 rows changed").waitFor();
  assert.equal(api.requests.get(ids.delete)?.votes[0]?.comment, "checked");
  assert.equal(await page.getByRole("button", { name: "Approve" }).count(), 0);

  await page.goto(`${origin}/requests/${ids.everyRow}`);
  await page.getByRole("button", { name: "Deny" }).click();
  await page.getByRole("button", { name: "Confirm denial" }).click();
  await page.getByRole("heading", { name: "Denied" }).waitFor();
  assert.equal(api.requests.get(ids.everyRow)?.summary?.state, RequestState.DENIED);

  await page.goto(`${origin}/requests/${ids.values}`);
  await page.getByText("You own this agent").waitFor();
  assert.ok(await page.getByRole("button", { name: "Approve" }).isDisabled());
  assert.ok(await page.getByRole("button", { name: "Deny" }).isDisabled());
}

async function keyboard(page: Page): Promise<void> {
  await enter(page, "/");
  await page.locator("a[data-request]").first().waitFor();
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  const second = await page.locator("a[data-request]").nth(1).getAttribute("data-request");
  assert.equal(await focused(page), second);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: /asks to/ }).waitFor();
  assert.ok(page.url().endsWith(`/requests/${second}`));
  await page.goBack();
  await page.waitForFunction((id) => document.activeElement?.getAttribute("data-request") === id, second);

  await page.goto(`${origin}/requests/${ids.delete}`);
  await page.getByRole("button", { name: "Approve" }).waitFor();
  await page.waitForTimeout(200);
  await page.keyboard.press("a");
  // One key decides nothing, and the comment does not catch the shortcut's letter.
  assert.equal(await page.getByRole("textbox", { name: /Comment/ }).inputValue(), "");
  await page.keyboard.press("Escape");
  assert.equal(await page.evaluate(() => document.activeElement?.textContent), "Approve");
  await page.keyboard.press("a");
  await page.keyboard.type("add it");
  assert.equal(api.requests.get(ids.delete)?.votes.length, 0);
  await page.keyboard.press("Control+Enter");
  await page.getByRole("heading", { name: "Succeeded" }).waitFor();
  assert.equal(api.requests.get(ids.delete)?.votes[0]?.comment, "add it");
}

async function mustBeSeen(page: Page): Promise<void> {
  await enter(page, `/requests/${ids.long}`);
  const approve = page.getByRole("button", { name: "Approve" });
  await approve.waitFor();
  await page.waitForTimeout(300);
  assert.ok(await approve.isDisabled(), "a long statement can be approved before it was seen");
  assert.ok(await page.getByRole("button", { name: "Deny" }).isEnabled());
  const box = page.getByRole("group", { name: "The whole statement" });
  await box.evaluate((element) => element.scrollTo(0, element.scrollHeight));
  await page.waitForTimeout(300);
  assert.ok(await approve.isDisabled(), "jumping to the end counts as reading");
  const height = await box.evaluate((element) => element.scrollHeight);
  for (let top = 0; top < height; top += 200) {
    await box.evaluate((element, to) => element.scrollTo(0, to), top);
    await page.waitForTimeout(40);
  }
  await page.waitForFunction(() =>
    [...document.querySelectorAll("button")].some((one) => one.textContent === "Approve" && !one.disabled),
  );
  // Beginning anew, the button that leads from one unseen part to the next gets there too.
  await page.reload();
  await approve.waitFor();
  const next = page.getByRole("button", { name: "Show the next unseen part" });
  for (let presses = 0; presses < 60 && (await approve.isDisabled()); presses++) {
    await next.click({ timeout: 500 }).catch(() => undefined);
    await page.waitForTimeout(60);
  }
  assert.ok(await approve.isEnabled(), "the button does not lead through the whole statement");
  const text = await box.evaluate((element) => [...element.querySelectorAll(".line")].map((line) => line.textContent).join("\n"));
  const operation = api.requests.get(ids.long)?.operation?.operation;
  assert.equal(text, operation?.value.statement, "the statement on the page is not the statement");
}

async function liveInbox(page: Page): Promise<void> {
  await enter(page, "/");
  const first = page.locator("a[data-request]").first();
  await first.focus();
  const held = await focused(page);
  const id = api.ask(0);
  await page.locator(`a[data-request="${id}"]`).waitFor();
  assert.equal(await focused(page), held, "a new request took the focus");
  assert.match(await page.title(), /^\(5\) Inbox/);
  await page.getByRole("status", { name: "News" }).getByText("A new request on orders-db").waitFor({ state: "attached" });
  api.move(id, RequestState.EXPIRED, "clock");
  await page.getByRole("heading", { name: /Decided just now/ }).waitFor();
  await page.getByRole("searchbox", { name: "Search the inbox" }).fill("ledger");
  await page.waitForFunction(() => document.querySelectorAll("a[data-request]").length === 1);

  // What ends and begins while the connection is down is put right when it comes back.
  await page.getByRole("searchbox", { name: "Search the inbox" }).fill("");
  api.setDown(true);
  await page.getByRole("status", { name: "Live updates: Offline" }).waitFor();
  api.move(ids.delete, RequestState.EXPIRED, "clock");
  const missed = api.ask(1);
  api.setDown(false);
  await page.locator(`a[data-request="${missed}"]`).waitFor({ timeout: 20_000 });
  await page.waitForFunction((gone) => document.querySelector(`a[data-request="${gone}"]`) === null, ids.delete);
}

async function refusedVotes(page: Page): Promise<void> {
  await enter(page, `/requests/${ids.delete}`);
  await page.getByRole("button", { name: "Approve" }).click();
  const request = api.requests.get(ids.delete);
  assert.ok(request);
  const shown = request.requestDigest;
  request.requestDigest = `sha256:${"0".repeat(64)}`;
  await page.getByRole("button", { name: "Confirm approval" }).click();
  await page.getByRole("alert").getByText("The request is not the one you saw").waitFor();
  request.requestDigest = shown;

  await page.goto(`${origin}/requests/${ids.everyRow}`);
  await page.getByRole("button", { name: "Approve" }).click();
  await page.route("**/votes", async (route) => {
    api.move(ids.everyRow, RequestState.EXPIRED, "clock");
    await route.continue();
  });
  await page.getByRole("button", { name: "Confirm approval" }).click();
  await page.getByRole("alert").getByText("no longer waiting").waitFor();
  await page.getByRole("heading", { name: "Expired" }).waitFor();
}

async function comesBack(page: Page): Promise<void> {
  await enter(page, `/requests/${ids.delete}`);
  await page.context().clearCookies();
  await page.getByRole("button", { name: "Deny" }).click();
  await page.getByRole("button", { name: "Confirm denial" }).click();
  await page.getByRole("heading", { name: "Your session has ended" }).waitFor();
}

async function enter(page: Page, path: string): Promise<void> {
  await page.goto(`${origin}/sign-in#demo`);
  await page.getByRole("heading", { level: 1, name: "Inbox" }).waitFor();
  await page.goto(origin + path);
  await page.getByRole("status", { name: "Live updates: Live" }).waitFor();
}

function focused(page: Page): Promise<string | null | undefined> {
  return page.evaluate(() => document.activeElement?.getAttribute("data-request"));
}

async function newContext(
  on: Browser,
  viewport: { width: number; height: number },
  colorScheme: "light" | "dark" = "light",
): Promise<BrowserContext> {
  const context = await on.newContext({
    viewport,
    colorScheme,
    reducedMotion: "reduce",
    ...(viewport.width < 700 ? { hasTouch: true, isMobile: true } : {}),
  });
  context.on("console", (message) => {
    // The browser itself reports answers such as 401 and a dropped stream; everything else is a fault, above all a refused style or script.
    if (message.type() === "error" && !/Failed to load resource|ERR_/.test(message.text())) faults.push(message.text());
  });
  context.on("weberror", (error) => faults.push(String(error.error())));
  return context;
}

async function accessible(page: Page, what: string): Promise<void> {
  // The page's policy allows no script from elsewhere; this one comes from the debugger, not from the page.
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: typeof axe }).axe.run(document, { resultTypes: ["violations"] }),
  );
  const said = violations.map(
    (one) =>
      `${what}: ${one.id}: ${one.help}: ${one.nodes.map((node) => `${node.target.join(" ")} (${node.any[0]?.message ?? ""})`).join("; ")}`,
  );
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wide > 0) said.push(`${what}: scrolls sideways by ${wide} px`);
  faults.push(...said);
}

async function shoot(page: Page, name: string): Promise<void> {
  if (values.screenshots === undefined) return;
  await mkdir(values.screenshots, { recursive: true });
  await page.screenshot({ path: `${values.screenshots}/${name}.png` });
  await page.screenshot({ path: `${values.screenshots}/${name}-full.png`, fullPage: true });
}
