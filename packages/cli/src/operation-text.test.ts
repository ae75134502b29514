import { operationMessage, readOperationMessage } from "@countersign/policy";
import { Operation, RequestDetail } from "@countersign/rpc";
import { expect, test } from "vitest";
import { operations, samples } from "../../policy/src/operation/testing-operations.ts";
import { differenceText } from "./difference-text.ts";
import { mainText, withField, withMainText } from "./operation-fields.ts";
import { shownParts } from "./operation-text.ts";
import { detailJson } from "./request-json.ts";
import { testingTerminal } from "./terminal/testing-terminal.ts";

const every = Object.values(operations).flatMap(samples);
/** What would act on a terminal or hide; a tab stays what it is. */
const acting = /[^\P{C}\t]/u;

test("ap-display: nothing in an operation of any kind acts on the terminal, and no part is left out of the difference", () => {
  for (const operation of every) {
    const message = operationMessage(operation);
    for (const { name, lines } of shownParts(message)) for (const one of [name, ...lines]) expect(one).not.toMatch(acting);
    const bare = { kind: operation.kind, ...required(operation) };
    const other = operationMessage(bare as typeof operation);
    const isSame = JSON.stringify(message) === JSON.stringify(other);
    expect(differenceText(testingTerminal(), other, message).length > 0, JSON.stringify(operation)).toBe(!isSame);
  }
});

function required(operation: object): object {
  const names = new Set("statement parameters command action path subsystem method headers server tool arguments".split(" "));
  return Object.fromEntries(Object.entries(operation).filter(([name]) => names.has(name)));
}

test("an operation of a kind that only a newer server knows is not shown, and so not approved", () => {
  for (const message of [undefined, Operation.fromPartial({})]) expect(() => shownParts(message)).toThrow("newer countersign");
});

test("as JSON every kind is whole", () => {
  for (const operation of every) {
    const json = detailJson(RequestDetail.fromPartial({ operation: operationMessage(operation) }));
    const read = readOperationMessage(Operation.fromJSON(JSON.parse(JSON.stringify(json)).operation));
    expect(JSON.stringify(read), JSON.stringify(operation)).toBe(
      JSON.stringify(readOperationMessage(operationMessage(operation))),
    );
  }
});

test("what an editor opens can be put back, and a field that there is not is told", () => {
  for (const operation of every) {
    const { text } = mainText(operation);
    if (text !== undefined) expect(withMainText(operation, text)).toEqual(operation);
    expect(() => withField(operation, "__proto__", "x")).toThrow("what can be changed is");
  }
  const request = { kind: "http.request", method: "POST", path: "/a", headers: [], body: { binary: "_w" } } as const;
  expect(mainText(request).text).toBeUndefined();
  expect(withField(withField(request, "path", "/b"), "body", "{}")).toEqual({ ...request, path: "/b", body: { text: "{}" } });
  const call = { kind: "mcp.call", server: "s", tool: "t", arguments: {} } as const;
  for (const text of ["[]", "null", "{"]) expect(() => withField(call, "arguments", text)).toThrow("not a JSON object");
});

test("a change is shown with the name of its part, one that only looks the same whole", () => {
  const exec = (command: string, stdin: string) => operationMessage({ kind: "ssh.exec", command, stdin: { text: stdin } });
  expect(differenceText(testingTerminal(), exec("make", "a\nb"), exec("make -n", "a\nc"))).toEqual([
    ...["- make", "+ make -n", "  Standard input:", "  a", "- b", "+ c"],
  ]);
  expect(differenceText(testingTerminal(), exec("a\r\nb", ""), exec("a\nb", ""))).toEqual(["- a", "- b", "+ a", "+ b"]);
});
