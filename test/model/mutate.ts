import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import type { Mutant } from "./mutants.ts";

const root = new URL("../../", import.meta.url);
const smallCache = new URL("small-cache.ts", import.meta.url).href;

/** Has the product's modules loaded with a mutant's edits. Call it before any of them is imported. */
export function loadWith(mutant: Mutant | undefined): void {
  const sources = new Map<string, string>();
  for (const { file, find, replace } of mutant?.edits ?? []) {
    const { href } = new URL(file, root);
    const text = sources.get(href) ?? readFileSync(fileURLToPath(href), "utf8");
    if (text.split(find).length !== 2)
      throw new Error(`${mutant?.name} is out of date: ${file} does not hold exactly one: ${find}`);
    sources.set(
      href,
      text.replace(find, () => replace),
    );
  }
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === "lru-cache" ? { url: smallCache, format: "module-typescript", shortCircuit: true } : next(specifier, context),
    load(url, context, next) {
      const source = sources.get(url);
      return source === undefined ? next(url, context) : { format: "module-typescript", source, shortCircuit: true };
    },
  });
}
