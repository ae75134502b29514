import { line } from "../../terminal/terminal.ts";
import { action, describe, type MakeCommand } from "../command.ts";

/** `countersign policy schema` */
export const schemaCommand: MakeCommand = (context) =>
  describe(
    "schema",
    "print the JSON Schema of policy files",
    "Prints the JSON Schema of policy files, with which editors complete and check them while they are written.",
    [
      [
        "countersign policy schema > policy.schema.json",
        "then put `# yaml-language-server: $schema=policy.schema.json` into the policy's first line",
      ],
    ],
  ).action(
    action(context, async () => {
      const { policyJsonSchema } = await import("@countersign/policy");
      line(context.terminal.stdout, JSON.stringify(policyJsonSchema(), null, 2));
    }),
  );
