import { expect, test } from "vitest";
import { jsonOf, linesOf, watchEvent } from "./kubernetes-answer.ts";

/** A response whose body comes in these parts; tells when it is given up. */
function responseOf(parts: readonly Uint8Array[], onCancel = (): void => {}): Response {
  const left = [...parts];
  return new Response(
    new ReadableStream({
      pull(controller) {
        const part = left.shift();
        if (part === undefined) controller.close();
        else controller.enqueue(part);
      },
      cancel: onCancel,
    }),
  );
}

async function all(lines: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = [];
  for await (const line of lines) found.push(line);
  return found;
}

test("lines are the same wherever their bytes are cut", async () => {
  const text = Buffer.from('{"a":"ü"}\n\n€ last');
  for (let at = 0; at <= text.length; at++)
    expect(await all(linesOf(responseOf([text.subarray(0, at), text.subarray(at)])))).toEqual(['{"a":"ü"}', "", "€ last"]);
  expect(await all(linesOf(responseOf([Buffer.from("one\n")])))).toEqual(["one"]);
  expect(await all(linesOf(new Response(null)))).toEqual([]);
});

test("whoever leaves the loop gives the body up", async () => {
  let isGivenUp = false;
  const endless = Array.from({ length: 100 }, () => Buffer.from("line\n"));
  for await (const line of linesOf(responseOf(endless, () => (isGivenUp = true)))) {
    expect(line).toBe("line");
    break;
  }
  expect(isGivenUp).toBe(true);
});

test("a refusal is an error with the reason of the Status; one that says nothing, or is no JSON, with what there is", async () => {
  const status = { kind: "Status", reason: "Forbidden", message: "no" };
  const answer = (body: string, code = 403) => jsonOf(new Response(body, { status: code }));
  await expect(answer(JSON.stringify(status))).rejects.toMatchObject({
    ...{ code: "target_error", targetCode: "Forbidden", message: "The API server answered 403: no", retryable: false },
  });
  await expect(answer("<html>bad gateway</html>", 502)).rejects.toMatchObject({
    targetCode: "502",
    message: expect.stringMatching(/bad gateway/),
  });
  await expect(answer("", 307)).rejects.toMatchObject({ targetCode: "307" });
  await expect(answer("x".repeat(5000), 500)).rejects.toSatisfy((error: Error) => error.message.length < 1100);
  await expect(answer("no JSON", 200)).rejects.toMatchObject({ code: "target_error" });
  expect(await answer('{"a":1}', 201)).toEqual({ a: 1 });
});

test("a watch's ERROR ends it", () => {
  expect(watchEvent('{"type":"ADDED","object":{"a":1}}')).toEqual({ type: "ADDED", object: { a: 1 } });
  const gone = { type: "ERROR", object: { code: 410, reason: "Expired", message: "too old resource version" } };
  expect(() => watchEvent(JSON.stringify(gone))).toThrow(
    expect.objectContaining({
      code: "target_error",
      targetCode: "Expired",
      message: "The API server answered 410: too old resource version",
    }),
  );
  expect(() => watchEvent("null")).toThrow(expect.objectContaining({ code: "target_error" }));
  expect(() => watchEvent("{")).toThrow(expect.objectContaining({ code: "target_error" }));
});
