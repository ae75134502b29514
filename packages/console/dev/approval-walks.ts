import assert from "node:assert/strict";
import { RequestState } from "@countersign/rpc";
import { enter, focused, ids, readWhole, type Walk } from "./walk.ts";

/** What could not be found out is never shown as no effect; what was is shown whole, with nothing hidden in it. */
export async function evidence({ page, origin }: Walk): Promise<void> {
  await enter({ page, origin }, `/requests/${ids.emergency}`);
  await page.getByText("What it would do could not be found out").waitFor();
  assert.doesNotMatch((await page.getByRole("main").textContent()) ?? "", /0 rows|no rows|no effect/i);
  await page.goto(`${origin}/requests/${ids.grant}`);
  await page.getByText("It would change 128 rows").waitFor();
  await page.getByText("6 of 128 rows, before and after").first().waitFor();
  const text = (await page.getByRole("main").textContent()) ?? "";
  assert.ok(text.includes("\\u{202E}") && !text.includes("\u202e"), "a value of a row hides a character");
  await page.getByText(", acting for carol").waitFor();
}

/** A grant says in words what it lets run, is held to the rules' bounds, and goes along with the vote. */
export async function grants({ page, api, origin }: Walk): Promise<void> {
  await enter({ page, origin }, `/requests/${ids.grant}`);
  await readWhole(page);
  await page.getByRole("button", { name: /let it run again/ }).click();
  const dialog = page.getByRole("dialog");
  // As another approver agreed to it: only the very same comes into force.
  await dialog.getByText("any text that begins with “ACME”").waitFor();
  await dialog.getByRole("textbox", { name: "How often" }).fill("51");
  await dialog.getByRole("button", { name: "Approve with this grant" }).click();
  await dialog.getByRole("alert").waitFor();
  assert.equal(api.requests.get(ids.grant)?.votes.length, 1);
  await dialog.getByRole("textbox", { name: "How often" }).fill("10");
  await dialog.getByText(/At worst, order-releaser will change rows in public.orders on orders-db 10 more times/).waitFor();
  await dialog.getByRole("button", { name: "Approve with this grant" }).click();
  await dialog.waitFor({ state: "detached" });
  const [first, second] = api.requests.get(ids.grant)?.votes ?? [];
  assert.deepEqual(second?.grant, first?.grant);

  await page.goto(`${origin}/grants`);
  await page.getByRole("button", { name: "Revoke the grant to order-releaser on orders-db" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke it" }).click();
  await page.getByText("Say why: it is recorded.").waitFor();
  await page.keyboard.type("done");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(api.methods.grants[0]?.revokedReason, "done");
}

/** An emergency is a step of its own with a reason, only after everything was read. */
export async function emergencies({ page, api, origin }: Walk): Promise<void> {
  await enter({ page, origin }, `/requests/${ids.delete}`);
  await page.getByRole("button", { name: "Revoke…" }).waitFor();
  assert.equal(await page.getByRole("button", { name: /in an emergency/ }).count(), 0, "offered without a rule");
  await page.goto(`${origin}/requests/${ids.emergency}`);
  assert.ok(await page.getByRole("button", { name: "Approve", exact: true }).isDisabled());
  await page.getByRole("button", { name: /in an emergency/ }).click();
  await page.getByRole("button", { name: "Break the glass and approve" }).click();
  await page.getByText("Say why: it is recorded.").waitFor();
  assert.equal(api.requests.get(ids.emergency)?.votes.length, 0);
  await page.keyboard.type("tokens are abused now");
  await page.getByRole("button", { name: "Break the glass and approve" }).click();
  await page.getByText("alice approved this alone, in an emergency").waitFor();
  assert.equal(api.requests.get(ids.emergency)?.votes[0]?.breakGlass, true);

  await page.goto(`${origin}/reviews`);
  await page.getByText("1 review overdue").waitFor();
  await page.getByText("You approved it: somebody else has to review it.").waitFor();
  await page.getByRole("button", { name: /^Close the review of bob/ }).click();
  await page.keyboard.type("it was right");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(api.methods.reviews[0]?.finding, "it was right");
}

/** Each line of a plan is whole; what is struck out is signed as struck out. */
export async function plans({ page, api, origin }: Walk): Promise<void> {
  await enter({ page, origin }, `/requests/${ids.plan}`);
  const approve = page.getByRole("button", { name: "Approve", exact: true });
  await approve.waitFor();
  await page.waitForTimeout(300);
  assert.ok(await approve.isDisabled(), "a plan can be approved before all of its lines were seen");
  assert.equal(await page.getByRole("button", { name: /Propose an edit/ }).count(), 0);
  await readWhole(page);
  for (const line of [1, 2, 3, 4]) await page.getByRole("checkbox", { name: `Strike out line ${line}` }).check();
  await page.getByText("Every line is struck out.").waitFor();
  for (const line of [1, 2, 4]) await page.getByRole("checkbox", { name: `Strike out line ${line}` }).uncheck();
  await approve.click();
  await page.getByText("3 lines may run once, in this order, as shown. 1 line struck out").waitFor();
  await page.getByRole("button", { name: "Confirm approval" }).click();
  await page.getByText("Your approval is recorded").waitFor({ state: "attached" });
  assert.deepEqual(
    api.requests.get(ids.plan)?.plan.map(({ struck }) => struck),
    [false, false, true, false],
  );
}

/** An edit is compared before it is sent, with nothing hidden in it, and leads to the request that took the place. */
export async function edits({ page, api, origin }: Walk): Promise<void> {
  await enter({ page, origin }, `/requests/${ids.delete}`);
  await page.getByRole("button", { name: /Propose an edit/ }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Send the edit" }).click();
  await dialog.getByText("Say why: it is recorded.").waitFor();
  const statement = dialog.getByRole("textbox", { name: "Statement", exact: true });
  await statement.fill(`${await statement.inputValue()} -- \u202eone`);
  await dialog.getByRole("textbox", { name: "Value of $3" }).fill("4712");
  const comparison = dialog.getByRole("region", { name: "What you change" });
  await comparison.getByText("“4712”").waitFor();
  assert.ok((await comparison.textContent())?.includes("\\u{202E}"), "the comparison hides a character");
  await dialog.getByRole("textbox", { name: /^Why/ }).fill("only one customer");
  await dialog.getByRole("button", { name: "Send the edit" }).click();
  await page.getByText("Edited by alice: only one customer").waitFor();
  const operation = [...api.requests.values()].find((one) => one.replaces === ids.delete)?.operation?.operation;
  assert.ok(operation?.$case === "postgresQuery");
  assert.ok(operation.value.statement.endsWith("-- \u202eone"));
  assert.deepEqual(operation.value.parameters[2]?.value, { $case: "text", value: "4712" });
  await page.getByRole("link", { name: "an earlier request" }).click();
  await page.getByText("Another request took the place of this one").waitFor();
}

/** Revoking and clearing up doubts, without a mouse. */
export async function revokesAndResolves({ page, api, origin }: Walk): Promise<void> {
  await enter({ page, origin }, `/requests/${ids.everyRow}`);
  await page.getByRole("button", { name: "Revoke…" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("textbox", { name: /Why/ }).waitFor();
  await page.keyboard.type("not today");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  assert.equal(api.requests.get(ids.everyRow)?.summary?.state, RequestState.CANCELLED);
  assert.equal(await page.getByRole("button", { name: "Revoke…" }).count(), 0);

  await page.goto(`${origin}/history`);
  await page
    .getByRole("link", { name: /Unknown outcome/ })
    .first()
    .click();
  await page.getByRole("button", { name: "Say what happened…" }).click();
  await page.keyboard.press("Control+Enter");
  await page.getByText("Choose what happened.").waitFor();
  await page.getByRole("radio", { name: /It did not happen/ }).focus();
  await page.keyboard.press("Space");
  await page.getByRole("textbox", { name: /How you know/ }).fill("looked");
  await page.getByRole("button", { name: "Record it" }).click();
  await page.getByRole("complementary", { name: "Decision" }).getByText("Failed").waitFor();
}

/** What waits several times is shown once, and each of it can be opened. */
export async function duplicates({ page, origin }: Walk): Promise<void> {
  await enter({ page, origin }, "/");
  const group = page.getByRole("button", { name: /3 times the same/ });
  await group.focus();
  assert.equal(await page.locator(`a[data-request="${ids.alike[1]}"]`).count(), 0);
  await page.keyboard.press("Enter");
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  assert.equal(await focused(page), ids.alike[1]);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: /asks to read public.invoices/ }).waitFor();
  await page.goBack();
  await page.waitForFunction((id) => document.activeElement?.getAttribute("data-requests")?.includes(id), ids.alike[1]);
}

/** Locks and delegations are made, listed and ended. */
export async function standing({ page, api, origin }: Walk): Promise<void> {
  await enter({ page, origin }, "/locks");
  await page.getByRole("button", { name: "Lock…" }).click();
  await page
    .getByRole("textbox", { name: "Name" })
    .or(page.getByRole("combobox", { name: "Name" }))
    .fill("cart-cleaner");
  // The issuer of a known agent is filled in: one that is typed wrong would lock nobody.
  assert.equal(await page.getByRole("textbox", { name: "Issuer" }).inputValue(), "countersign-development");
  await page.getByRole("textbox", { name: /Why/ }).fill("runs wild");
  await page.getByRole("button", { name: "Lock it now" }).click();
  await page.getByRole("button", { name: "Lift the lock on cart-cleaner" }).click();
  await page.keyboard.type("tamed");
  await page.keyboard.press("Control+Enter");
  await page.getByRole("button", { name: "Lift the lock on cart-cleaner" }).waitFor({ state: "detached" });
  assert.equal(api.methods.locks.length, 2);

  await page.goto(`${origin}/delegations`);
  await page.getByRole("button", { name: "Delegate…" }).click();
  await page.getByRole("textbox", { name: "Person" }).fill("nobody");
  await page.getByRole("button", { name: "Delegate", exact: true }).click();
  await page.getByRole("alert").getByText('There is no approver "nobody".').waitFor();
  await page.getByRole("textbox", { name: "Person" }).fill("carol");
  await page.getByRole("button", { name: "Delegate", exact: true }).click();
  await page.getByRole("button", { name: "End the delegation from alice to carol" }).click();
  await page.getByRole("button", { name: "End it now" }).click();
  await page.getByRole("button", { name: "End the delegation from alice to carol" }).waitFor({ state: "detached" });
  await page.goto(origin);
  await page.getByText("You decide for carol until").waitFor();
}
