import { mkdir } from "node:fs/promises";
import axe from "axe-core";
import type { Browser, BrowserContext, Page } from "playwright-core";

/** What the page is looked at with, and what was found wrong with it. */
export class Surroundings {
  readonly faults: string[] = [];
  readonly origin: string;
  readonly #browser: Browser;
  readonly #pictures: string | undefined;

  /** @param pictures a folder for pictures; undefined = none. */
  constructor(browser: Browser, origin: string, pictures: string | undefined) {
    this.#browser = browser;
    this.origin = origin;
    this.#pictures = pictures;
  }

  async newContext(
    viewport: { width: number; height: number },
    colorScheme: "light" | "dark" = "light",
  ): Promise<BrowserContext> {
    const context = await this.#browser.newContext({
      viewport,
      colorScheme,
      reducedMotion: "reduce",
      ...(viewport.width < 700 ? { hasTouch: true, isMobile: true } : {}),
    });
    context.on("console", (message) => {
      // The browser itself reports answers such as 401 and a dropped stream; everything else is a fault, above all a refused style or script.
      if (message.type() === "error" && !/Failed to load resource|ERR_/.test(message.text())) this.faults.push(message.text());
    });
    context.on("weberror", (error) => this.faults.push(String(error.error())));
    return context;
  }

  /** Notes what axe finds wrong with a page, and whether it scrolls sideways. */
  async accessible(page: Page, what: string): Promise<void> {
    // The page's policy allows no script from elsewhere; this one comes from the debugger, not from the page.
    await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() =>
      (globalThis as unknown as { axe: typeof axe }).axe.run(document, { resultTypes: ["violations"] }),
    );
    for (const { id, help, nodes } of violations) {
      const where = nodes.map((node) => `${node.target.join(" ")} (${node.any[0]?.message ?? ""})`).join("; ");
      this.faults.push(`${what}: ${id}: ${help}: ${where}`);
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    if (wide > 0) this.faults.push(`${what}: scrolls sideways by ${wide} px`);
  }

  async shoot(page: Page, name: string): Promise<void> {
    if (this.#pictures === undefined) return;
    await mkdir(this.#pictures, { recursive: true });
    await page.screenshot({ path: `${this.#pictures}/${name}.png` });
    await page.screenshot({ path: `${this.#pictures}/${name}-full.png`, fullPage: true });
  }
}
