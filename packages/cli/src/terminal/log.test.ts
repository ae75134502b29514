import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { createLog } from "./log.ts";
import { testingTerminal } from "./testing-terminal.ts";

const at = Date.UTC(2026, 0, 2, 3, 4, 5);

test("JSON when nobody watches; secrets by their usual names are never in it", () => {
  const terminal = { ...testingTerminal(), now: () => at };
  createLog(terminal, "info").info({ request: "req_1", token: "t0p", database: { password: "s3cret" } }, "connected");
  expect(JSON.parse(terminal.err())).toEqual({
    level: "info",
    time: "2026-01-02T03:04:05.000Z",
    msg: "connected",
    request: "req_1",
    token: "[redacted]",
    database: { password: "[redacted]" },
  });
});

test("one readable line on a terminal, on which nothing in it can act", () => {
  const terminal = testingTerminal();
  Object.assign(terminal.stderr, { isTTY: true });
  createLog({ ...terminal, now: () => at }, "warn").warn({ statement: "select '\u001b[2J'" }, "slow\nquery");
  createLog(terminal, "warn").info("not this one");
  const plain = stripVTControlCharacters(terminal.err());
  expect(plain).toBe("03:04:05 warn  slow\\nquery statement=select '\\u{1b}[2J'\n");
});
