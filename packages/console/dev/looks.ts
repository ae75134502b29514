import type { Page } from "playwright-core";
import type { Surroundings } from "./surroundings.ts";
import { ids, readWhole } from "./walk.ts";

const widths = {
  desktop: { width: 1280, height: 800 },
  phone: { width: 390, height: 844 },
  narrow: { width: 360, height: 640 },
} as const;

/** Every page in every look: no violation of accessibility rules, no sideways scrolling. */
export async function looks(around: Surroundings): Promise<void> {
  for (const colorScheme of ["light", "dark"] as const) {
    for (const [name, viewport] of Object.entries(widths)) {
      const context = await around.newContext(viewport, colorScheme);
      const page = await context.newPage();
      await walkThrough(page, around, async (what, ready) => {
        await ready();
        await page.waitForTimeout(250);
        await around.shoot(page, `${what}-${name}-${colorScheme}`);
        await around.accessible(page, `${what} ${name} ${colorScheme}`);
      });
      await context.close();
    }
  }
}

/** Brings the page into a state and looks at it. */
type Look = (what: string, ready: () => Promise<unknown>) => Promise<void>;

async function walkThrough(page: Page, { origin }: Surroundings, look: Look): Promise<void> {
  const open = (path: string, heading: RegExp) => async () => {
    await page.goto(origin + path);
    await page.getByRole("heading", { level: 1, name: heading }).waitFor();
  };
  const press = (name: string | RegExp) => () => page.getByRole("button", { name }).first().click();
  const back = () => page.getByRole("button", { name: "Back" }).click();
  await look("signed-out", open("/", /Sign in/));
  await look("sign-in-refused", open("/sign-in#used", /does not work/));
  await look("inbox", open("/sign-in#demo", /Inbox/));
  await look("inbox-alike", press(/times the same/));
  await look("request", open(`/requests/${ids.delete}`, /asks to delete rows/));
  await look("confirm", () => page.getByRole("button", { name: "Approve", exact: true }).click());
  await look("every-row", open(`/requests/${ids.everyRow}`, /asks to change rows/));
  await look("command", open(`/requests/${ids.command}`, /asks to run systemctl/));
  await look("file", open(`/requests/${ids.file}`, /asks to/));
  await look("patch", open(`/requests/${ids.patch}`, /asks to patch deployments/));
  await look("pod-exec", open(`/requests/${ids.podExec}`, /not fully understood/));
  await look("refund", open(`/requests/${ids.refund}`, /asks to send POST/));
  await look("bytes", open(`/requests/${ids.bytes}`, /asks to send PUT/));
  await look("tool-call", open(`/requests/${ids.toolCall}`, /asks to call/));
  await look("opaque", open(`/requests/${ids.opaque}`, /could not be fully/));
  await look("long", open(`/requests/${ids.long}`, /asks to insert/));
  await look("values", open(`/requests/${ids.values}`, /asks to insert/));

  await look("evidence", open(`/requests/${ids.grant}`, /asks to change rows/));
  await readWhole(page);
  await look("grant", press(/let it run again/));
  await look("grant-open", async () => {
    await page.getByRole("combobox", { name: "$1 may be" }).selectOption("any");
    await page.getByRole("textbox", { name: "How often" }).fill("900");
    await press("Approve with this grant")();
  });
  await back();
  await look("edit", press(/Propose an edit/));
  await look("edit-compared", async () => {
    const field = page.getByRole("textbox", { name: "Statement", exact: true });
    await field.fill(`${await field.inputValue()}\n  AND id = $3`);
    await press("Add $3")();
    await page.getByRole("textbox", { name: "Value of $3" }).fill("48\u200b211");
  });
  await back();
  await look("revoke", press("Revoke…"));
  await back();
  await look("lock-agent", press("Lock this agent…"));
  await back();
  await look("emergency", open(`/requests/${ids.emergency}`, /asks to delete rows/));
  await readWhole(page);
  await look("break-glass", press(/in an emergency/));
  await back();
  await look("plan", open(`/requests/${ids.plan}`, /run a plan/));
  await look("plan-struck", () => page.getByRole("checkbox", { name: "Strike out line 3" }).check());
  await look("edited", open(`/requests/${ids.edited}`, /asks to delete rows/));

  await look("history", open("/history", /History/));
  await look("ended", async () => {
    await page
      .getByRole("link", { name: /Failed/ })
      .first()
      .click();
    await page.getByRole("heading", { name: "Failed" }).waitFor();
  });
  await look("unknown", async () => {
    await open("/history", /History/)();
    await page
      .getByRole("link", { name: /Unknown outcome/ })
      .first()
      .click();
    await press("Say what happened…")();
  });
  await back();
  await look("grants", open("/grants", /Grants/));
  await look("grants-all", () => page.getByRole("radio", { name: "All" }).click());
  await look("grant-revoke", press(/^Revoke the grant/));
  await look("locks", open("/locks", /Locks/));
  await look("lock", press("Lock…"));
  await look("delegations", open("/delegations", /Delegations/));
  await look("delegate", press("Delegate…"));
  await look("reviews", open("/reviews", /Reviews/));
  await look("review-close", press(/^Close the review/));
  await look("not-found", open("/requests/req_none", /Not found/));
  const more = page.getByRole("button", { name: "More" });
  if (await more.isVisible()) await look("menu", () => more.click());
  else await look("shortcuts", () => page.keyboard.press("?"));
}
