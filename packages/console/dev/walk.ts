import type { Page } from "playwright-core";
import type { MockApi } from "./mock-api.ts";

/** One walk through the page: a fresh browser context over a fresh mock. */
export interface Walk {
  readonly page: Page;
  readonly api: MockApi;
  readonly origin: string;
}

/** The made-up requests that the walks are about. */
export const ids = {
  delete: "req_01KB0001XMOCKQ7Z",
  everyRow: "req_01KB0002XMOCKQ7Z",
  opaque: "req_01KB0003XMOCKQ7Z",
  long: "req_01KB0004XMOCKQ7Z",
  values: "req_01KB0005XMOCKQ7Z",
  grant: "req_01KB0007XMOCKQ7Z",
  emergency: "req_01KB0008XMOCKQ7Z",
  plan: "req_01KB0009XMOCKQ7Z",
  alike: ["req_01KB0010XMOCKQ7Z", "req_01KB0011XMOCKQ7Z", "req_01KB0012XMOCKQ7Z"],
  edited: "req_01KB0013XMOCKQ7Z",
  command: "req_01KB0014XMOCKQ7Z",
  file: "req_01KB0015XMOCKQ7Z",
  patch: "req_01KB0016XMOCKQ7Z",
  podExec: "req_01KB0017XMOCKQ7Z",
  refund: "req_01KB0018XMOCKQ7Z",
  bytes: "req_01KB0019XMOCKQ7Z",
  toolCall: "req_01KB0020XMOCKQ7Z",
} as const;

/** Signs in and opens a page. */
export async function enter({ page, origin }: Pick<Walk, "page" | "origin">, path: string): Promise<void> {
  await page.goto(`${origin}/sign-in#demo`);
  await page.getByRole("heading", { level: 1, name: "Inbox" }).waitFor();
  await page.goto(origin + path);
  await page.getByRole("status", { name: "Live updates: Live" }).waitFor();
}

/** Which request or group has the focus. */
export function focused(page: Page): Promise<string | null | undefined> {
  return page.evaluate(() => document.activeElement?.getAttribute("data-request"));
}

/** Reads an operation as a person does, until it can be approved. */
export async function readWhole(page: Page): Promise<void> {
  const next = page.getByRole("button", { name: "Show the next unseen part" });
  for (let presses = 0; presses < 80 && (await next.count()) > 0; presses++) {
    await next.click({ timeout: 500 }).catch(() => undefined);
    await page.waitForTimeout(40);
  }
}
