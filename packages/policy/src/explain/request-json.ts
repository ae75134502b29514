import { z } from "zod";
import type { Body, HttpRequest, KubernetesRequest } from "../action.ts";
import { CountersignError } from "../outcome.ts";
import { checkShape, json, oneOf } from "./json-shape.ts";
import { exactBody, ownInput } from "./own-json.ts";

const text = z.string();
const queryValue = z.union([text, z.number(), z.boolean()]);
const query = z.union([text, z.record(text, z.union([queryValue, z.array(queryValue)]))]);
const pairs = z.array(z.tuple([text, text]));
const headers = z.union([z.record(text, z.union([text, z.array(text)])), pairs]);

const fields = {
  method: text.min(1),
  path: text.min(1),
  query: query.optional(),
  headers: headers.optional(),
  body: json.optional(),
  ...ownInput,
};

const argv = z.array(text).min(1, { error: "the program is missing" }).optional();
const exec = z.strictObject({
  namespace: text.min(1),
  pod: text.min(1),
  container: text.optional(),
  argv,
  command: argv,
  stdin: z.boolean().optional(),
  tty: z.boolean().optional(),
});

const http = z.strictObject({ kind: z.literal("http.request").optional(), ...fields });
const kubernetes = z.strictObject({
  kind: z.literal("kubernetes.request").optional(),
  ...fields,
  method: fields.method.optional(),
  path: fields.path.optional(),
  uid: text.exactOptional(),
  exec: exec.optional(),
});

type LooseRequest =
  | z.output<typeof http>
  | (Omit<z.output<typeof http>, "kind"> & { readonly kind?: "kubernetes.request" | undefined });
type Request = Omit<HttpRequest, "kind">;

/** Reads an HTTP request: `METHOD PATH`, or an object; with `kind` its body is as actions hold it. */
export function readHttp(value: unknown): HttpRequest {
  const what = "an http operation";
  return {
    kind: "http.request",
    ...request(what, typeof value === "string" ? requestLine(value) : checkShape(what, value, http)),
  };
}

/** Reads a request to a Kubernetes API server, as {@link readHttp}; `exec` stands for the request that kubectl makes for it. */
export function readKubernetes(value: unknown): KubernetesRequest {
  const what = "a kubernetes operation";
  const loosely = typeof value === "string" ? requestLine(value) : checkShape(what, value, kubernetes);
  if ("exec" in loosely && loosely.exec !== undefined) {
    const { exec: command, kind: _, ...rest } = loosely;
    if (Object.keys(rest).length > 0)
      throw new CountersignError("invalid_request", `Not ${what}: "exec" stands alone; take the request's own fields out.`);
    return { kind: "kubernetes.request", ...execRequest(what, command) };
  }
  const { method, path } = checkShape(
    what,
    { method: loosely.method, path: loosely.path },
    z.object({ method: fields.method, path: fields.path }),
  );
  const { uid } = { uid: undefined, ...loosely };
  return { kind: "kubernetes.request", ...request(what, { ...loosely, method, path }), ...(uid === undefined ? {} : { uid }) };
}

/** `GET /orders?limit=5`: what stands before the first space is the method, all that follows is sent as it is. */
function requestLine(line: string): LooseRequest {
  const [, method, path] = /^(\S+) +(\S.*)$/s.exec(line) ?? [];
  if (method !== undefined && path !== undefined) return { method, path };
  throw new CountersignError("invalid_request", 'Not a request: write METHOD PATH, e.g. "GET /orders?limit=5".');
}

function request(what: string, loosely: LooseRequest): Request {
  const { kind, method, path, query: added, headers: given, body, connection, streamed } = loosely;
  const sent = headerPairs(given ?? []);
  const content = body === undefined ? undefined : contentOf(what, kind, body);
  const typed = sent.some(([name]) => name.toLowerCase() === "content-type");
  const type: Request["headers"] = content?.isJson && !typed ? [["content-type", "application/json"]] : [];
  return {
    ...{ method, path: withQuery(path, added), headers: [...sent, ...type] },
    ...(content ? { body: content.body } : {}),
    ...(connection && { connection }),
    ...(streamed && { streamed }),
  };
}

function headerPairs(given: z.output<typeof headers>): Request["headers"] {
  if (Array.isArray(given)) return given;
  return Object.entries(given).flatMap(([name, value]) => [value].flat().map((one) => [name, one] as const));
}

/** A text is sent as it is; anything else as JSON or, with a kind, as actions hold it. */
function contentOf(
  what: string,
  kind: LooseRequest["kind"],
  body: z.output<typeof json>,
): { readonly body: Body; readonly isJson: boolean } {
  if (typeof body === "string") return { body: { text: body }, isJson: false };
  if (kind !== undefined) return { ...checkShape(what, { body }, z.object({ body: exactBody })), isJson: false };
  return { body: { text: JSON.stringify(body) }, isJson: true };
}

function withQuery(path: string, given: z.output<typeof query> | undefined): string {
  if (given === undefined) return path;
  const added = typeof given === "string" ? given.replace(/^\?/, "") : queryText(given);
  if (added === "") return path;
  return `${path}${path.includes("?") ? "&" : "?"}${added}`;
}

function queryText(given: Exclude<z.output<typeof query>, string>): string {
  return Object.entries(given)
    .flatMap(([name, values]) =>
      [values].flat().map((value) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`),
    )
    .join("&");
}

/** What kubectl sends to run a command in a pod (a WebSocket upgrade, hence GET). */
function execRequest(what: string, { namespace, pod, container, stdin, tty, ...named }: z.output<typeof exec>): Request {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/exec`;
  const asked = {
    ...(container === undefined ? {} : { container }),
    command: oneOf(what, { argv: named.argv, command: named.command }),
    ...(stdin ? { stdin: true } : {}),
    stdout: true,
    ...(tty ? { tty: true } : { stderr: true }),
  };
  return { method: "GET", path: withQuery(path, asked), headers: [] };
}
