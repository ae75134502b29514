import { z } from "zod";
import type { Body, HttpRequest, KubernetesRequest } from "../action.ts";
import { CountersignError } from "../outcome.ts";
import { checkShape, json } from "./json-shape.ts";

const text = z.string();
const queryValue = z.union([text, z.number(), z.boolean()]);
const query = z.union([text, z.record(text, z.union([queryValue, z.array(queryValue)]))]);
const pairs = z.array(z.tuple([text, text]));
const headers = z.union([z.record(text, z.union([text, z.array(text)])), pairs]);

const loose = {
  method: text.min(1),
  path: text.min(1),
  query: query.optional(),
  headers: headers.optional(),
  body: json.optional(),
};
const body = z.union([z.strictObject({ text }), z.strictObject({ binary: text })]);
const exact = { method: text, path: text, headers: pairs, body: body.optional() };

const exec = z.strictObject({
  namespace: text.min(1),
  pod: text.min(1),
  container: text.optional(),
  argv: z.array(text).min(1),
  stdin: z.boolean().optional(),
  tty: z.boolean().optional(),
});

const httpShape = z.strictObject(loose);
const kubernetesShape = z.strictObject({
  ...loose,
  method: loose.method.optional(),
  path: loose.path.optional(),
  exec: exec.optional(),
});
const exactHttp = z.strictObject({ kind: z.literal("http.request"), ...exact });
const exactKubernetes = z.strictObject({ kind: z.literal("kubernetes.request"), ...exact });

/** Reads an HTTP request: `METHOD PATH`, an object that says it loosely, or one with `kind` that says it as actions do. */
export function readHttp(value: unknown): HttpRequest {
  if (hasKind(value)) return exactly(checkShape("an http operation", value, exactHttp));
  const loosely = typeof value === "string" ? requestLine(value) : checkShape("an http operation", value, httpShape);
  return { kind: "http.request", ...request(loosely) };
}

/** Reads a request to a Kubernetes API server, as {@link readHttp}; `exec` stands for the request that kubectl makes for it. */
export function readKubernetes(value: unknown): KubernetesRequest {
  const what = "a kubernetes operation";
  if (hasKind(value)) return exactly(checkShape(what, value, exactKubernetes));
  const loosely = typeof value === "string" ? requestLine(value) : checkShape(what, value, kubernetesShape);
  const { method, path, exec: command, ...rest } = { exec: undefined, ...loosely };
  if (command === undefined) {
    const whole = checkShape(what, { method, path }, z.object({ method: loose.method, path: loose.path }));
    return { kind: "kubernetes.request", ...request({ ...whole, ...rest }) };
  }
  if (method !== undefined || path !== undefined || Object.keys(rest).length > 0)
    throw new CountersignError("invalid_request", `Not ${what}: "exec" stands alone; take the request's own fields out.`);
  return { kind: "kubernetes.request", ...execRequest(command) };
}

interface LooseRequest {
  readonly method: string;
  readonly path: string;
  readonly query?: z.output<typeof query> | undefined;
  readonly headers?: z.output<typeof headers> | undefined;
  readonly body?: z.output<typeof json> | undefined;
}

type Request = Omit<HttpRequest, "kind">;

/** `GET /orders?limit=5`: what stands before the first space is the method, all that follows is sent as it is. */
function requestLine(line: string): LooseRequest {
  const [, method, path] = /^(\S+) +(\S.*)$/s.exec(line) ?? [];
  if (method !== undefined && path !== undefined) return { method, path };
  throw new CountersignError("invalid_request", 'Not a request: write METHOD PATH, e.g. "GET /orders?limit=5".');
}

function request(loosely: LooseRequest): Request {
  const sent = headerPairs(loosely.headers ?? []);
  const content = loosely.body === undefined ? undefined : bodyOf(loosely.body);
  const typed = sent.some(([name]) => name.toLowerCase() === "content-type");
  const type: Request["headers"] = content?.isJson && !typed ? [["content-type", "application/json"]] : [];
  return {
    method: loosely.method,
    path: withQuery(loosely.path, loosely.query),
    headers: [...sent, ...type],
    ...(content ? { body: content.body } : {}),
  };
}

function headerPairs(given: z.output<typeof headers>): Request["headers"] {
  if (Array.isArray(given)) return given;
  return Object.entries(given).flatMap(([name, value]) => [value].flat().map((one) => [name, one] as const));
}

/** A text is sent as it is, anything else as JSON. */
function bodyOf(value: z.output<typeof json>): { readonly body: Body; readonly isJson: boolean } {
  return typeof value === "string"
    ? { body: { text: value }, isJson: false }
    : { body: { text: JSON.stringify(value) }, isJson: true };
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
function execRequest({ namespace, pod, container, argv, stdin, tty }: z.output<typeof exec>): Request {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/exec`;
  const asked = {
    ...(container === undefined ? {} : { container }),
    command: argv,
    ...(stdin ? { stdin: true } : {}),
    stdout: true,
    ...(tty ? { tty: true } : { stderr: true }),
  };
  return { method: "GET", path: withQuery(path, asked), headers: [] };
}

function hasKind(value: unknown): boolean {
  return typeof value === "object" && value !== null && "kind" in value;
}

/** Leaves out what is not there. */
function exactly<Kind extends string>({
  kind,
  method,
  path,
  headers: sent,
  body: content,
}: { kind: Kind } & { method: string; path: string; headers: readonly [string, string][]; body?: Body | undefined }): Request & {
  readonly kind: Kind;
} {
  return { kind, method, path, headers: sent, ...(content ? { body: content } : {}) };
}
