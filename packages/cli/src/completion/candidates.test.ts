import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { createProgram } from "../program.ts";
import { candidates, type Sources } from "./candidates.ts";

const streams = { stdin: new PassThrough(), stdout: new PassThrough(), stderr: new PassThrough() };
const program = createProgram({ env: {}, cwd: "/", now: () => 0, ...streams }, () => {});

const sources: Sources = {
  locks: async () => ["lock_1"],
  delegations: async () => ["delegation_1"],
  reviews: async () => ["req_alone"],
  requests: async ({ data }) => [`req_of_${data ?? "default"}`],
  grants: async () => ["grant_1"],
  resources: async () => ["orders-db", "users-db"],
  approvers: async () => ["alice", "bob"],
  configuredResources: async ({ config }) => [`${config ?? "default"}-db`],
};

async function complete(...words: string[]): Promise<string[]> {
  return (await candidates(program, words, sources)).map(({ value }) => value);
}

test("every command of the tree is offered, hidden ones are not", async () => {
  const offered = await complete("");
  expect(offered).toEqual(program.commands.map((one) => one.name()).filter((name) => name !== "__complete"));
  expect(await complete("res")).toEqual(["resources", "resolve"].sort((a, b) => offered.indexOf(a) - offered.indexOf(b)));
});

test("commands below commands", async () => {
  expect(await complete("audit", "")).toEqual(["verify", "export"]);
  expect(await complete("credentials", "l")).toEqual(["list"]);
  expect(await complete("grants", "")).toEqual(["list", "show", "revoke"]);
  expect(await complete("grants", "revoke", "")).toEqual(["grant_1"]);
});

test("a command's options, and nothing else, after a dash", async () => {
  expect(await complete("deny", "--")).toEqual(["--message", "--yes", "--json", "--as", "--config", "--data", "--help"]);
});

test("choices of arguments and of options", async () => {
  expect(await complete("completion", "")).toEqual(["bash", "zsh", "fish"]);
  expect(await complete("requests", "--state", "e")).toEqual(["executing", "expired"]);
});

test("what a running instance knows, asked of the instance that the words name", async () => {
  expect(await complete("approve", "")).toEqual(["req_of_default"]);
  expect(await complete("approve", "--data", "/x", "req_")).toEqual(["req_of_/x"]);
  expect(await complete("approve", "--as", "a")).toEqual(["alice"]);
  expect(await complete("query", "users")).toEqual(["users-db"]);
  expect(await complete("unlock", "")).toEqual(["lock_1"]);
  expect(await complete("lock", "approver", "b")).toEqual(["bob"]);
  expect(await complete("delegate", "--to", "")).toEqual(["alice", "bob"]);
  expect(await complete("delegations", "end", "")).toEqual(["delegation_1"]);
  expect(await complete("reviews", "close", "")).toEqual(["req_alone"]);
  expect(await complete("resolve", "--as", "")).toEqual(["happened", "did-not"]);
  expect(await complete("resolve", "--approver", "a")).toEqual(["alice"]);
});

test("what the configuration names", async () => {
  expect(await complete("policy", "explain", "--config", "x", "--resource", "")).toEqual(["x-db"]);
  expect(await complete("policy", "explain", "--type", "k")).toEqual(["kubernetes"]);
  expect(await complete("policy", "c")).toEqual(["check"]);
});

test("a value that only the shell can complete is left to it", async () => {
  expect(await complete("up", "--config", "")).toEqual([]);
  expect(await complete("query", "users-db", "")).toEqual([]);
});
