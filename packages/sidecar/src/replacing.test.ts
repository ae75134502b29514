import type { Operation, RequestSnapshot } from "@countersign/policy";
import { expect, test } from "vitest";
import { Replacing, type ReplacingParts } from "./replacing.ts";

const connection = { id: "conn_1" };

/** What is asked of policy when an operation takes the place of another. */
async function asked(before: Operation, after: Operation): Promise<Operation> {
  const calls: Operation[] = [];
  const asking = {
    ask: async ({ operation }: { operation: Operation }) => {
      calls.push(operation);
      return { decision: { effect: "allow" } };
    },
    draft: () => ({}),
  };
  const request = { binding: { requestId: "req_1" }, action: { operation: before, resource: "r", principal: {} }, claims: {} };
  const parts = { asking, requests: {}, onStep() {} } as unknown as ReplacingParts;
  await new Replacing(parts).redraft(request as unknown as RequestSnapshot, after, { why: "", editedBy: "alice" });
  const [call] = calls;
  if (call === undefined) throw new Error("policy was not asked");
  return call;
}

const query = (statement: string) => ({ kind: "postgres.query", statement, parameters: [] }) as const;

test("an edit keeps the connection that alone runs it, the input that nobody sees, and the data that was sent", async () => {
  const exec = { kind: "ssh.exec", command: "cat", connection, streamed: true } as const;
  expect(await asked(exec, { kind: "ssh.exec", command: "cat -A" })).toEqual({ ...exec, command: "cat -A" });
  const copy = { ...query("copy t from stdin"), input: { text: "1\n" }, connection };
  expect(await asked(copy, { ...query("copy u from stdin"), input: { text: "2\n" } })).toEqual({
    ...copy,
    statement: "copy u from stdin",
  });
});

test("what an EXECUTE runs is known of the text that was asked for, of no other, and never from an approver", async () => {
  const execute = { ...query("execute a"), runs: ["delete from t"], connection };
  expect(await asked(execute, { ...query("execute a"), parameters: [null] })).toEqual({ ...execute, parameters: [null] });
  expect(await asked(execute, { ...query("execute b"), runs: ["select 1"] })).toEqual({ ...query("execute b"), connection });
  expect(await asked(query("select 1"), { ...query("execute b"), runs: ["select 1"] })).toEqual(query("execute b"));
});

test("an edit moves nothing to another client's connection, lets nothing unseen in, and makes nothing else of it", async () => {
  const exec = { kind: "ssh.exec", command: "cat" } as const;
  const refused: readonly (readonly [Operation, Operation, string])[] = [
    [exec, { ...exec, connection }, "invalid_request"],
    [exec, { ...exec, streamed: true }, "invalid_request"],
    [query("select 1"), { ...query("select 2"), connection }, "invalid_request"],
    [exec, { kind: "ssh.subsystem", subsystem: "sftp" }, "invalid_operation"],
    [exec, query("select 1"), "invalid_operation"],
  ];
  for (const [before, after, code] of refused) await expect(asked(before, after)).rejects.toMatchObject({ code });
});
