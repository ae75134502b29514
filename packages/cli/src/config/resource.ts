import { postgresResourceSchema } from "@countersign/sidecar";
import { z } from "zod";

const inlineSecret =
  "a secret cannot be written here, where backups and version control would keep it. Write `{ env: NAME }` (an environment variable of " +
  "`countersign up`), `{ file: PATH }`, or `{ store: NAME }` (after `countersign credentials set NAME`)";

/** One of `resources`. An inline password is found before anything else looks at it, so that no message quotes it. */
export const resourceSchema = z.preprocess((value, context) => {
  for (const role of roleNames(value)) {
    const password = at(at(at(value, "roles"), role), "password");
    if (typeof password === "string" || typeof password === "number") {
      context.addIssue({ code: "custom", message: inlineSecret, path: ["roles", role, "password"] });
    }
  }
  return value;
}, postgresResourceSchema);

function roleNames(value: unknown): readonly string[] {
  const roles = at(value, "roles");
  return typeof roles === "object" && roles !== null ? Object.keys(roles) : [];
}

function at(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}
