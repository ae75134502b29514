/** Writes what is generated from the definitions, FACTS.md and policy.schema.json: `node --conditions=source scripts/readme.ts`. */
import { writeFileSync } from "node:fs";
import { factDocument } from "../src/policy/fact-document.ts";
import { policyJsonSchema } from "../src/policy/json-schema.ts";

writeFileSync(new URL("../FACTS.md", import.meta.url), factDocument());
writeFileSync(new URL("../policy.schema.json", import.meta.url), `${JSON.stringify(policyJsonSchema(), null, 2)}\n`);
