import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import * as approvalWalks from "./approval-walks.ts";
import { looks } from "./looks.ts";
import { MockApi } from "./mock-api.ts";
import { serveBuilt } from "./serve.ts";
import { Surroundings } from "./surroundings.ts";
import * as walks from "./walks.ts";

// Opens the built page in Chromium under the strict Content-Security-Policy, walks through it as a person does, and runs axe on every
// page in both themes and three widths. With --screenshots DIR it leaves pictures; --quick skips the looks. Exits with 1 at the first thing that does not hold.

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    screenshots: { type: "string" },
    chromium: { type: "string", default: "/usr/bin/chromium" },
  },
});

const flags =
  "no-sandbox disable-gpu disable-quic no-first-run disable-background-networking disable-component-update disable-sync";
let api = new MockApi({ clock: Date.now, stepMs: 300 });
const { server, origin } = await serveBuilt({ handle: (...call) => api.handle(...call) });
const browser = await chromium.launch({
  executablePath: values.chromium,
  args: flags.split(" ").map((flag) => `--${flag}`),
});
const around = new Surroundings(browser, origin, values.screenshots);
try {
  if (!values.quick) {
    await looks(around);
    console.log("ok  looks");
  }
  for (const walk of [...Object.values(walks), ...Object.values(approvalWalks)]) {
    api.close();
    api = new MockApi({ clock: Date.now, stepMs: 300 });
    const context = await around.newContext({ width: 1280, height: 800 });
    await walk({ page: await context.newPage(), api, origin });
    await context.close();
    console.log(`ok  ${walk.name}`);
  }
  assert.deepEqual(around.faults, [], "errors in the page");
} finally {
  await browser.close();
  api.close();
  server.close();
  server.closeAllConnections();
}
