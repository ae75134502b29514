import { readFileSync } from "node:fs";

/** The version of this package. The same relative path holds for the sources and for the bundle. */
export function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  if (typeof manifest === "object" && manifest !== null && "version" in manifest && typeof manifest.version === "string")
    return manifest.version;
  throw new TypeError("package.json has no version");
}
