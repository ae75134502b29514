import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";

/**
 * A scripted model, so that the example needs no API key: it looks, deletes, and says what it was told. For a real one, install its package
 * and pass e.g. `model: "anthropic:claude-sonnet-4-5"` to `createAgent`.
 */
export function scriptedModel() {
  return fakeModel()
    .respondWithTools([
      { name: "run_sql", args: { statement: "select id from orders where status = 'duplicate' order by id limit 1" } },
    ])
    .respond((messages: BaseMessage[]) => {
      const found: unknown = JSON.parse(messages.at(-1)?.text ?? "{}");
      const id = firstValue(found);
      if (id === undefined) return new AIMessage("There are no duplicate orders.");
      return new AIMessage({
        content: "",
        tool_calls: [{ name: "delete_order", args: { id }, id: "call-2", type: "tool_call" }],
      });
    })
    .respond((messages: BaseMessage[]) => new AIMessage(`I was told: ${messages.at(-1)?.text}`));
}

function firstValue(result: unknown): unknown {
  if (typeof result !== "object" || result === null || !("rows" in result) || !Array.isArray(result.rows)) return undefined;
  const [row]: unknown[] = result.rows;
  return Array.isArray(row) ? row[0] : undefined;
}
