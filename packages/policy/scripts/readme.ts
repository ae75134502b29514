/** Writes the generated table of facts into README.md: `node --conditions=source scripts/readme.ts`. */
import { readFileSync, writeFileSync } from "node:fs";
import { factTable } from "../src/policy/fact-table.ts";

const file = new URL("../README.md", import.meta.url);
const [before = "", , after = ""] = readFileSync(file, "utf8").split(/(?<=<!-- facts -->\n)|(?=<!-- \/facts -->)/);
writeFileSync(file, `${before}${factTable()}\n${after}`);
