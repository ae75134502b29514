import { Effect, RequestState } from "@countersign/rpc";
import { AIMessage, type BaseMessage, ToolMessage } from "@langchain/core/messages";
import { fakeModel } from "@langchain/core/testing";
import { createAgent } from "langchain";
import { expect, test } from "vitest";
import { z } from "zod";
import * as agent from "../testing-agent.ts";
import { connected, type Script } from "../testing-agent.ts";
import { guardedTool } from "./guarded-tool.ts";

const { numbered, decided, pending, approved, executing, columns, rows, done } = agent;

function answering(...bodies: Parameters<typeof numbered>[1][]): Script {
  return {
    execute(_submit, call) {
      call.write(numbered(0, ...bodies));
      call.end();
    },
  };
}

/** Runs an agent whose model calls the tool once; gives what the model was told. */
async function told(script: Script, options: Partial<Parameters<typeof guardedTool>[0]> = {}): Promise<ToolMessage> {
  await using here = await connected(script);
  const sql = guardedTool({
    client: here.cs,
    resource: "orders-db",
    name: "sql",
    description: "Runs SQL.",
    ...options,
    statement: undefined,
  });
  const model = fakeModel()
    .respondWithTools([
      { name: "sql", args: { statement: "select * from orders where id = $1", parameters: [7], reason: "to look" } },
    ])
    .respond((messages: BaseMessage[]) => new AIMessage(`Told: ${messages.at(-1)?.text}`));
  const { messages } = await createAgent({ model, tools: [sql] }).invoke({
    messages: [{ role: "user", content: "Look at order 7" }],
  });
  const message = messages.find((one) => ToolMessage.isInstance(one));
  if (message === undefined) throw new Error("The tool was not called");
  // The model's last word proves that it went on after the tool's answer, whatever that was.
  expect(messages.at(-1)?.text).toBe(`Told: ${message.text}`);
  return message;
}

test("an agent's statement runs, and the model sees compact JSON", async () => {
  const message = await told(
    answering(
      decided(),
      executing,
      columns(["id", 23], ["note", 25]),
      rows(["7", "x"], ["8", null]),
      done("SELECT 2", { rows: 2 }),
    ),
  );
  expect(message.text).toBe('{"command":"SELECT","rowCount":2,"columns":["id","note"],"rows":[[7,"x"],[8,null]]}');
  expect(message.status).not.toBe("error");
  expect(message.artifact).toEqual({ code: "succeeded", requestId: agent.requestId, digest: agent.actionDigest });
});

test("a statement without rows", async () => {
  const message = await told(answering(decided(Effect.REVIEW), pending, approved, executing, done("DELETE 3")));
  expect(message.text).toBe('{"command":"DELETE","rowCount":3}');
});

test("the program around the model hears where a request waits", async () => {
  const urls: string[] = [];
  await told(answering(decided(Effect.REVIEW), pending, approved, executing, done("DELETE 3")), {
    onEvent: (event) => void (event.type === "pending" && urls.push(event.approvalUrl)),
  });
  expect(urls).toEqual(["http://127.0.0.1:1/requests/x"]);
});

test.each([
  [RequestState.DENIED, "denied", "Ask the platform team.", "Do not call again unchanged"],
  [RequestState.EXPIRED, "expired", "Nobody approved it in time.", "Do not call again unchanged"],
  [RequestState.CANCELLED, "cancelled", "Cancelled by alice.", "Do not call again unchanged"],
  [RequestState.REVOKED, "revoked", "The policy changed.", "Do not call again unchanged"],
  [RequestState.UNKNOWN, "unknown_outcome", "The sidecar stopped.", "not known whether it ran"],
  [RequestState.FAILED, "target_lost", "The connection broke.", "not known whether it ran"],
  [RequestState.FAILED, "limit_exceeded", "More than 1000 rows.", "LIMIT"],
])("the model is told of outcome %i, and what not to do", async (state, code, message, advice) => {
  const answer = await told(answering(decided(Effect.REVIEW), pending, agent.ended(state, code, message)));
  expect(answer.text).toContain(`${code}: ${message}`);
  expect(answer.text).toContain(advice);
  expect(answer.artifact).toEqual({ code, requestId: agent.requestId });
});

test("an SQL error comes with its SQLSTATE, so that the model can correct the statement", async () => {
  const answer = await told(
    answering(decided(), executing, agent.ended(RequestState.FAILED, "target_error", 'column "nam" does not exist', "42703")),
  );
  expect(answer.text).toBe('PostgreSQL error 42703: column "nam" does not exist Correct the statement.');
});

test("nobody decides within the tool's timeout: that is not a doubt, it did not run", async () => {
  const answer = await told(
    { execute: (_submit, call) => void call.write(numbered(0, decided(Effect.REVIEW), pending)) },
    { timeout: 50 },
  );
  expect(answer.text).toContain("It did not run: nobody agreed in time.");
});

test("a write that was still running when the timeout passed may have run", async () => {
  const script: Script = {
    execute: (_submit, call) => void call.write(numbered(0, decided(Effect.REVIEW), pending, approved, executing)),
  };
  expect((await told(script, { timeout: 50 })).text).toContain("not known whether it ran");
});

test("a sidecar that is not running is a matter for people", async () => {
  await using here = await connected({});
  here.service.down();
  const sql = guardedTool({ client: here.cs, resource: "orders-db", name: "sql", description: "" });
  const text = await sql.invoke({ statement: "select 1" });
  expect(text).toContain("countersign up");
  expect(text).toContain("tell the user");
});

test("a large result is cut, and says so; the statement still runs to its end", async () => {
  const many = Array.from({ length: 250 }, (_, index) => [String(index), "y".repeat(5000)]);
  const message = await told(
    answering(decided(), executing, columns(["id", 23], ["text", 25]), rows(...many), done("SELECT 250", { rows: 250 })),
    { maxRows: 5 },
  );
  const result = JSON.parse(message.text);
  expect(result.rows).toHaveLength(5);
  expect(result.rows[0][1]).toBe(`${"y".repeat(1000)}… (4000 more characters)`);
  expect(result.truncated).toContain("first 5 of 250 rows");
  expect(message.artifact.code).toBe("succeeded");
});

test("with a fixed statement the model gives only values, and those are checked", async () => {
  await using here = await connected(answering(decided(), executing, done("DELETE 1")));
  const remove = guardedTool({
    client: here.cs,
    resource: "orders-db",
    name: "delete_order",
    description: "Deletes one order.",
    statement: "delete from orders where id = $1",
    schema: z.object({ id: z.number().int() }),
    parameters: ({ id }) => [id],
    reason: ({ id }) => `The user asked to delete order ${id}.`,
  });
  const model = fakeModel()
    .respondWithTools([{ name: "delete_order", args: { id: "1 or true" } }])
    .respondWithTools([{ name: "delete_order", args: { id: 7, statement: "drop table orders" } }])
    .respond(new AIMessage("Done."));
  const { messages } = await createAgent({ model, tools: [remove] }).invoke({
    messages: [{ role: "user", content: "Delete order 7" }],
  });
  const [refused, answer] = messages.filter((message) => ToolMessage.isInstance(message));
  expect(refused?.status).toBe("error");
  expect(answer?.text).toBe('{"command":"DELETE","rowCount":1}');
  expect(here.service.executed).toHaveLength(1);
  expect(here.service.executed[0]).toMatchObject({
    reason: "The user asked to delete order 7.",
    operation: {
      operation: {
        value: { statement: "delete from orders where id = $1", parameters: [{ value: { $case: "text", value: "7" } }] },
      },
    },
  });
});

test("an aborted run ends the call and is not told as an answer", async () => {
  await using here = await connected({
    execute: (_submit, call) => void call.write(numbered(0, decided(Effect.REVIEW), pending)),
  });
  const abort = new AbortController();
  const onEvent = () => abort.abort();
  const sql = guardedTool({ client: here.cs, resource: "orders-db", name: "sql", description: "", onEvent });
  await expect(sql.invoke({ statement: "select 1" }, { signal: abort.signal })).rejects.toThrow();
});
