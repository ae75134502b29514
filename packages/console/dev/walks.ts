import assert from "node:assert/strict";
import { RequestState } from "@countersign/rpc";
import { enter, focused, ids, type Walk } from "./walk.ts";

/** A link signs in once, and the page that was wanted comes after it. */
export async function signIn({ page, origin }: Walk): Promise<void> {
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

/** Approving, denying, and being told why one cannot. */
export async function decides({ page, api, origin }: Walk): Promise<void> {
  await enter({ page, origin }, `/requests/${ids.delete}`);
  await page.getByRole("button", { name: "Approve", exact: true }).click();
  await page.getByRole("textbox", { name: /Comment/ }).fill("checked");
  await page.getByRole("button", { name: "Confirm approval" }).click();
  await page.getByRole("heading", { name: "Succeeded" }).waitFor();
  await page.getByRole("main").getByText("DELETE 3 · 3 rows changed").waitFor();
  assert.equal(api.requests.get(ids.delete)?.votes[0]?.comment, "checked");
  assert.equal(await page.getByRole("button", { name: "Approve", exact: true }).count(), 0);

  await page.goto(`${origin}/requests/${ids.everyRow}`);
  await page.getByRole("button", { name: "Deny" }).click();
  await page.getByRole("button", { name: "Confirm denial" }).click();
  await page.getByRole("heading", { name: "Denied" }).waitFor();
  assert.equal(api.requests.get(ids.everyRow)?.summary?.state, RequestState.DENIED);

  await page.goto(`${origin}/requests/${ids.values}`);
  await page.getByText("You own this agent").waitFor();
  assert.ok(await page.getByRole("button", { name: "Approve", exact: true }).isDisabled());
  assert.ok(await page.getByRole("button", { name: "Deny" }).isDisabled());
}

/** Finding and approving a request without a mouse. */
export async function keyboard({ page, api, origin }: Walk): Promise<void> {
  await enter({ page, origin }, "/");
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
  await page.getByRole("button", { name: "Approve", exact: true }).waitFor();
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

/** A long statement cannot be approved before all of it was on the screen. */
export async function mustBeSeen({ page, api, origin }: Walk): Promise<void> {
  await enter({ page, origin }, `/requests/${ids.long}`);
  const approve = page.getByRole("button", { name: "Approve", exact: true });
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
  assert.ok(operation?.$case === "postgresQuery");
  assert.equal(text, operation.value.statement, "the statement on the page is not the statement");
}

/** The inbox changes by itself, and is right again after a gap. */
export async function liveInbox({ page, api, origin }: Walk): Promise<void> {
  await enter({ page, origin }, "/");
  const first = page.locator("a[data-request]").first();
  await first.focus();
  const held = await focused(page);
  const id = api.ask(0);
  await page.locator(`a[data-request="${id}"]`).waitFor();
  assert.equal(await focused(page), held, "a new request took the focus");
  assert.match(await page.title(), /^\(18\) Inbox/);
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

/** A vote that is refused is said to be. */
export async function refusedVotes({ page, api, origin }: Walk): Promise<void> {
  await enter({ page, origin }, `/requests/${ids.delete}`);
  await page.getByRole("button", { name: "Approve", exact: true }).click();
  const request = api.requests.get(ids.delete);
  assert.ok(request);
  const shown = request.requestDigest;
  request.requestDigest = `sha256:${"0".repeat(64)}`;
  await page.getByRole("button", { name: "Confirm approval" }).click();
  await page.getByRole("alert").getByText("The request is not the one you saw").waitFor();
  request.requestDigest = shown;

  await page.goto(`${origin}/requests/${ids.everyRow}`);
  await page.getByRole("button", { name: "Approve", exact: true }).click();
  await page.route("**/votes", async (route) => {
    api.move(ids.everyRow, RequestState.EXPIRED, "clock");
    await route.continue();
  });
  await page.getByRole("button", { name: "Confirm approval" }).click();
  await page.getByRole("alert").getByText("no longer waiting").waitFor();
  await page.getByRole("heading", { name: "Expired" }).waitFor();
}

/** A session that ended is noticed. */
export async function comesBack({ page, origin }: Walk): Promise<void> {
  await enter({ page, origin }, `/requests/${ids.delete}`);
  await page.context().clearCookies();
  await page.getByRole("button", { name: "Deny" }).click();
  await page.getByRole("button", { name: "Confirm denial" }).click();
  await page.getByRole("heading", { name: "Your session has ended" }).waitFor();
}
