import { type StructuredToolInterface, type ToolRunnableConfig, tool } from "@langchain/core/tools";
import { z } from "zod";
import type { Countersign } from "../client.ts";
import { CountersignError, type CountersignErrorCode } from "../errors.ts";
import type { RequestProgress } from "../event.ts";
import type { Receipt } from "../outcome.ts";
import type { QueryOptions } from "../postgres.ts";
import type { Replacement } from "../replacement.ts";
import { explain } from "./advice.ts";
import { changeText } from "./change-text.ts";
import { ResultText } from "./result-text.ts";

interface ToolOptions {
  /** The agent's client. */
  readonly client: Countersign;
  /** The resource's configured name, e.g. `orders-db`. */
  readonly resource: string;
  /** What the model calls it by. */
  readonly name: string;
  /** What the model is told that it does. */
  readonly description: string;
  /** How long a call waits for people; without it, as long as the request lives. */
  readonly timeout?: number | string;
  /** Rows that the model gets to see (100 when absent). */
  readonly maxRows?: number;
  /** Characters of rows that the model gets to see (10,000 when absent). */
  readonly maxCharacters?: number;
  /** Hears what happens, e.g. to show a user where a request waits for approval. */
  readonly onEvent?: (event: RequestProgress) => void;
}

/** A tool whose statement the model writes. */
export interface StatementToolOptions extends ToolOptions {
  readonly statement?: undefined;
}

/** A tool whose statement is fixed: the model gives only values. The safest form. */
export interface FixedToolOptions<Schema extends z.ZodObject> extends ToolOptions {
  /** One statement, with `$1`, `$2`, … for values. */
  readonly statement: string;
  /** What the model has to give. */
  readonly schema: Schema;
  /** The values of `$1`, `$2`, … */
  readonly parameters: (input: z.output<Schema>) => readonly unknown[];
  /** Why, for the person who approves. */
  readonly reason?: string | ((input: z.output<Schema>) => string);
}

/** The artifact of the tool's message: for the program around the model, not for the model. */
export interface GuardedToolArtifact {
  /** `succeeded`, or why not. */
  readonly code: "succeeded" | CountersignErrorCode;
  readonly requestId?: string;
  /** Digest of the action, `sha256:<hex>`. */
  readonly digest?: string;
  readonly receipt?: Receipt;
  /** What took the place of what the model asked for; absent = it is what the model asked for. */
  readonly replaced?: readonly Replacement[];
}

/** What the model gives when it writes the statement itself. */
const statementSchema = z.object({
  statement: z.string().describe("One PostgreSQL statement. Write values as $1, $2, … and pass them in `parameters`."),
  parameters: z
    .array(z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .optional()
    .describe("The values of $1, $2, … in order."),
  reason: z.string().optional().describe("Why this is needed, in one sentence; a person may read it before agreeing."),
});

/**
 * A LangChain tool that runs SQL on a guarded resource. Where policy wants a person, the call waits. It never throws for a decision or a failed
 * statement: the model gets a short text that says what happened and whether to try again. It throws when the run itself is aborted.
 *
 * @example
 * ```ts
 * guardedTool({
 *   client, resource: "orders-db", name: "delete_order", description: "Deletes one order.",
 *   statement: "delete from orders where id = $1", schema: z.object({ id: z.number().int() }), parameters: ({ id }) => [id],
 * });
 * ```
 */
export function guardedTool(options: StatementToolOptions): StructuredToolInterface<typeof statementSchema>;
export function guardedTool<Schema extends z.ZodObject>(options: FixedToolOptions<Schema>): StructuredToolInterface<Schema>;
export function guardedTool(options: StatementToolOptions | FixedToolOptions<z.ZodObject>): StructuredToolInterface {
  const { name, description } = options;
  const fields = { name, description, responseFormat: "content_and_artifact" } as const;
  if (options.statement === undefined) {
    return tool(
      (input, config: ToolRunnableConfig) => run(options, input.statement, input.parameters ?? [], input.reason, config),
      { ...fields, schema: statementSchema },
    );
  }
  const { statement, schema, parameters, reason } = options;
  return tool(
    (input, config: ToolRunnableConfig) =>
      run(options, statement, parameters(input), typeof reason === "function" ? reason(input) : reason, config),
    { ...fields, schema },
  );
}

async function run(
  options: ToolOptions,
  statement: string,
  parameters: readonly unknown[],
  reason: string | undefined,
  config: ToolRunnableConfig | undefined,
): Promise<[string, GuardedToolArtifact]> {
  const { client, resource, timeout, maxRows = 100, maxCharacters = 10_000 } = options;
  let held = false;
  const replaced: Replacement[] = [];
  const onEvent = (event: RequestProgress) => {
    if (event.type === "replaced") {
      const { successor, why, edit } = event;
      replaced.push({ successor, why, ...(edit && { edit }) });
    }
    held = event.type === "pending" || (held && event.type === "vote");
    options.onEvent?.(event);
  };
  const settings: QueryOptions = { rowMode: "array", reason, timeout, signal: config?.signal, onEvent };
  const result = new ResultText({ rows: maxRows, characters: maxCharacters });
  try {
    const rows = client.postgres(resource).stream<unknown[]>(statement, parameters, settings);
    // To the end, also past what is shown: leaving early would stop the statement.
    for await (const row of rows) result.add(row);
    const { summary } = rows;
    if (summary === undefined) throw new CountersignError("internal", "The result ended without its outcome.");
    const { requestId, digest, receipt } = summary;
    const artifact = { requestId, digest, ...(receipt && { receipt }), ...(replaced.length > 0 && { replaced }) };
    return [result.text(summary, changeText(replaced, true)), { code: "succeeded", ...artifact }];
  } catch (error) {
    if (!(error instanceof CountersignError) || error.code === "aborted") throw error;
    const { code, requestId } = error;
    const changed = changeText(replaced, false);
    const text = explain(error, held);
    const artifact = { ...(requestId !== undefined && { requestId }), ...(replaced.length > 0 && { replaced }) };
    return [changed === undefined ? text : `${text} ${changed}`, { code, ...artifact }];
  }
}
