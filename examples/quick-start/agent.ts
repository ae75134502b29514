// The demo's agent, a process of its own: a LangChain loop with a scripted model, so that no API key is needed. All it has is the address of
// the sidecar's socket: no password, no address of the database.
import { Countersign } from "@countersign/sdk";
import { guardedTool } from "@countersign/sdk/langchain";
import { AIMessage, type BaseMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { createAgent } from "langchain";

const address = process.env.COUNTERSIGN_ADDRESS;
if (address === undefined) throw new Error("COUNTERSIGN_ADDRESS is not set");

/** Tells the demo what happens; a program of yours would show it to its user. */
function tell(message: unknown): void {
  process.send?.(message);
}

await using client = new Countersign({ address, session: "quick-start" });
const sql = guardedTool({
  client,
  resource: "orders-db",
  name: "run_sql",
  description: "Runs one SQL statement on the orders database.",
  onEvent: (event) => tell({ type: "event", event: JSON.parse(JSON.stringify(event)) }),
});

const select = "select status, count(*)::int as orders from orders group by status order by status";
const remove = "delete from orders where status = $1";

/** What a model would answer, in order; the last answer depends on what the delete gave. */
const model = fakeModel()
  .respondWithTools([{ name: "run_sql", args: { statement: select }, id: "call-1" }])
  .respondWithTools([
    {
      name: "run_sql",
      args: { statement: remove, parameters: ["duplicate"], reason: "The user asked to remove duplicates." },
      id: "call-2",
    },
  ])
  .respond((messages: BaseMessage[]) => new AIMessage(`I was told: ${String(messages.at(-1)?.content)}`));

const agent = createAgent({ model, tools: [sql] });
const { messages } = await agent.invoke({ messages: [{ role: "user", content: "Remove the duplicate orders." }] });
for (const message of messages) {
  if (message.getType() === "tool")
    tell({ type: "tool", text: String(message.content), artifact: "artifact" in message ? serialise(message.artifact) : null });
}
tell({ type: "answer", text: String(messages.at(-1)?.content) });

/** IPC carries JSON: bytes as base64. */
function serialise(artifact: unknown): unknown {
  return JSON.parse(
    JSON.stringify(artifact, (_key, value) =>
      value?.type === "Buffer"
        ? { base64: Buffer.from(value.data).toString("base64") }
        : value instanceof Uint8Array
          ? { base64: Buffer.from(value).toString("base64") }
          : value,
    ),
  );
}
