import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium } from "playwright-core";

const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A real, headless Chromium with an empty profile of its own. */
export interface Browser extends AsyncDisposable {
  readonly context: BrowserContext;
}

/** Starts Debian's Chromium. */
export async function openBrowser(options: { readonly width?: number; readonly dark?: boolean } = {}): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), "cs-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: "/usr/bin/chromium",
    headless: true,
    args: flags,
    viewport: { width: options.width ?? 1280, height: 900 },
    colorScheme: options.dark ? "dark" : "light",
    // A colour in mid-transition is no colour of ours.
    reducedMotion: "reduce",
  });
  return {
    context,
    async [Symbol.asyncDispose]() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
