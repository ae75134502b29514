import { CountersignError } from "./errors.ts";

const mostMessage = 1000;

/**
 * What the API server answered, as JSON.
 *
 * @throws {CountersignError} `target_error` for a status of 400 and above, with the reason of the API server's `Status` as `targetCode`.
 */
export async function jsonOf<Value>(response: Response): Promise<Value> {
  await requireSuccess(response);
  // The API server's word, as everything that it says: the caller says what it expects.
  return parse(await response.text()) as Value;
}

/**
 * Nothing, if the API server did what was asked.
 *
 * @throws {CountersignError} as {@link jsonOf}.
 */
export async function requireSuccess(response: Response): Promise<void> {
  if (response.status < 300) return;
  throw refusal(response.status, await response.text());
}

/**
 * The lines of a body, one by one as they come; leaving the loop early ends the request.
 *
 * @throws {CountersignError} as `fetch`'s body does.
 */
export async function* linesOf({ body }: Response): AsyncGenerator<string, void, undefined> {
  if (body === null) return;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
      if (done) break;
    }
    if (rest !== "") yield rest;
  } finally {
    await reader.cancel();
  }
}

/** One change that a watch tells of. */
export interface WatchEvent<Value> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";
  readonly object: Value;
}

/**
 * One line of a watch.
 *
 * @throws {CountersignError} `target_error`, e.g. with `Expired` as `targetCode` when the watch must begin anew.
 */
export function watchEvent<Value>(line: string): WatchEvent<Value> {
  const event = parse(line);
  if (isObject(event) && event.type !== "ERROR") return event as unknown as WatchEvent<Value>;
  const status = isObject(event) ? event.object : undefined;
  const code = isObject(status) && typeof status.code === "number" ? status.code : 0;
  throw refusal(code, JSON.stringify(status ?? {}));
}

function refusal(status: number, text: string): CountersignError {
  const said = tryParse(text);
  const [reason, message] = isObject(said) ? [said.reason, said.message] : [undefined, text];
  const code = typeof reason === "string" && reason !== "" ? reason : String(status);
  const words = typeof message === "string" && message !== "" ? `: ${message.slice(0, mostMessage)}` : ".";
  return new CountersignError("target_error", `The API server answered ${status}${words}`, { targetCode: code });
}

function parse(text: string): unknown {
  const value = tryParse(text);
  if (value !== undefined) return value;
  throw new CountersignError("target_error", "The API server's answer is no JSON.");
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
