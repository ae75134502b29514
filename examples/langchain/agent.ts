// A LangChain agent with two guarded tools. It has no password and no address of a database; what it may do is the sidecar's policy.
import { resolve } from "node:path";
import { Countersign } from "@countersign/sdk";
import { guardedTool } from "@countersign/sdk/langchain";
import { createAgent } from "langchain";
import { z } from "zod";
import { scriptedModel } from "./model.ts";

const address = process.env.COUNTERSIGN_ADDRESS ?? `unix://${resolve("countersign-data/run/agent.sock")}`;
await using client = new Countersign({ address, session: "example" });

const sql = guardedTool({
  client,
  resource: "orders-db",
  name: "run_sql",
  description: "Runs one SQL statement on the orders database: orders(id, status).",
});

// The safest form: the model gives a number, nothing else.
const deleteOrder = guardedTool({
  client,
  resource: "orders-db",
  name: "delete_order",
  description: "Deletes one order. A person has to agree.",
  statement: "delete from orders where id = $1",
  schema: z.object({ id: z.number().int() }),
  parameters: ({ id }) => [id],
  reason: ({ id }) => `The user asked to delete order ${id}.`,
  timeout: "10m",
  onEvent: (event) => event.type === "pending" && console.log(`Waiting for approval: ${event.approvalUrl}`),
});

const agent = createAgent({ model: scriptedModel(), tools: [sql, deleteOrder] });
const { messages } = await agent.invoke({ messages: [{ role: "user", content: "Delete a duplicate order." }] });
for (const message of messages) if (message.text !== "") console.log(`${message.type}: ${message.text}`);
