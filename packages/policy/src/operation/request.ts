import type { Body, HttpRequest } from "../action.ts";
import { bodyMessage, readBodyMessage } from "./body.ts";
import type { OperationKind, OperationPart } from "./kind.ts";
import type { HttpRequestMessage } from "./message.ts";
import { ownInputMessage, ownInputParts, readOwnInput } from "./own-input.ts";

/** What HTTP requests are made of, whichever API they are for. */
type Request = Omit<HttpRequest, "kind">;

/** A request to an HTTP API. */
export const httpRequest: OperationKind<"http.request"> = {
  write: (operation) => ({ $case: "httpRequest", value: requestMessage(operation) }),
  read: (message) => ({ kind: "http.request", ...readRequest(message) }),
  text: requestLine,
  parts: requestParts,
};

/** A request to a Kubernetes API server. */
export const kubernetesRequest: OperationKind<"kubernetes.request"> = {
  write: ({ uid = "", ...operation }) => ({ $case: "kubernetesRequest", value: { ...requestMessage(operation), uid } }),
  read: ({ uid, ...message }) => ({ kind: "kubernetes.request", ...readRequest(message), ...(uid === "" ? {} : { uid }) }),
  text: requestLine,
  parts: ({ uid, ...operation }) => [
    ...requestParts(operation),
    ...(uid === undefined
      ? []
      : [{ name: "Object", type: "values", values: [{ name: "uid", content: { text: uid } }] } as const]),
  ],
};

function requestMessage({ method, path, headers, body, ...own }: Request): HttpRequestMessage {
  return {
    ...{ method, path, headers: headers.map(([name, value]) => ({ name, value })) },
    ...{ body: bodyMessage(body), ...ownInputMessage(own) },
  };
}

function readRequest({ method, path, headers, body: given, ...own }: HttpRequestMessage): Request {
  const body = readBodyMessage(given);
  return {
    ...{ method, path, headers: headers.map(({ name, value }) => [name, value] as const) },
    ...(body && { body }),
    ...readOwnInput(own),
  };
}

function requestLine({ method, path }: Request): string {
  return `${method} ${path}`;
}

function requestParts({ headers, body, ...operation }: Request): readonly OperationPart[] {
  return [
    { name: "Request", type: "block", content: { text: requestLine({ ...operation, headers }) }, syntax: "text" },
    ...(headers.length > 0 ? [headerPart(headers)] : []),
    ...(body ? [{ name: "Body", type: "block", content: body, syntax: syntaxOf(body) } as const] : []),
    ...ownInputParts(operation),
  ];
}

function headerPart(headers: Request["headers"]): OperationPart {
  return { name: "Headers", type: "values", values: headers.map(([name, text]) => ({ name, content: { text } })) };
}

/** By the body itself: what a header says of it is only a claim. */
function syntaxOf(body: Body): "json" | "text" {
  if (!("text" in body) || !/^\s*[[{]/.test(body.text)) return "text";
  try {
    JSON.parse(body.text);
    return "json";
  } catch {
    return "text";
  }
}
