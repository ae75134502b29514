import type { Body, KubernetesRequest, LineOperation, Operation } from "../../action.ts";
import type { Json } from "../../canonical.ts";
import type { KubernetesFacts } from "../../facts/kubernetes/definition.ts";
import { readMethod, requestInfo } from "../../facts/kubernetes/request-info.ts";
import { readTarget } from "../../facts/request/target.ts";
import type { Facts } from "../../facts.ts";
import { CountersignError } from "../../outcome.ts";
import { bodyBytes } from "../body.ts";
import type { Hide } from "./hide.ts";
import { hiddenPlaces, type Mark, shownText } from "./shown-text.ts";

/**
 * An operation as people may see it: the values of Secrets are hidden, everything else is as it is sent. The operation itself when there is nothing
 * to hide. This is the one way by which operations come to approvers.
 */
export function shownOperation(operation: LineOperation, hide: Hide): LineOperation;
export function shownOperation(operation: Operation, hide: Hide): Operation;
export function shownOperation(operation: Operation, hide: Hide): Operation {
  if (operation.kind === "plan") {
    const lines = operation.lines.map((line) => ({ ...line, operation: shownOperation(line.operation, hide) }));
    return lines.every((line, index) => line.operation === operation.lines[index]?.operation)
      ? operation
      : { ...operation, lines };
  }
  if (operation.kind !== "kubernetes.request" || operation.body === undefined) return operation;
  const { body } = operation;
  const shown = shownBody(body, isAboutSecrets(operation), hide);
  return shown.marks.length === 0 ? operation : { ...operation, body: { text: shown.text } };
}

/** Facts as people may see them. */
export function shownFacts<Shown extends Facts | null>(facts: Shown, hide: Hide): Shown {
  if (facts === null || facts.protocol !== "kubernetes") return facts;
  const { kubernetes } = facts;
  return { ...facts, kubernetes: { ...kubernetes, body: shownJson(kubernetes.body, isOfSecrets(kubernetes), hide) } };
}

/** As {@link shownFacts}, of facts that were stored; of a plan's lines, too. */
export function shownStoredFacts(facts: Json, hide: Hide): Json {
  if (!isObject(facts)) return facts;
  const { kubernetes, lines } = facts;
  if (Array.isArray(lines)) return { ...facts, lines: lines.map((line: Json) => shownStoredFacts(line, hide)) };
  if (!isObject(kubernetes) || kubernetes.body === undefined) return facts;
  const isSecret = kubernetes.group === "" && kubernetes.resource === "secrets";
  return { ...facts, kubernetes: { ...kubernetes, body: shownJson(kubernetes.body, isSecret, hide) } };
}

/** A JSON value as people may see it. */
export function shownJson(value: Json, isSecret: boolean, hide: Hide): Json {
  const text = JSON.stringify(value);
  const shown = shownText(text, isSecret, hide);
  return shown.marks.length === 0 ? value : JSON.parse(shown.text);
}

/**
 * What an approver wrote anew who saw an operation without its hidden values: those that stand where they stood are what they were.
 *
 * @throws {CountersignError} `invalid_request` where one stands somewhere else: there it would be shown.
 */
export function withHidden(edited: Operation, original: Operation, hide: Hide): Operation {
  if (edited.kind !== "kubernetes.request" || original.kind !== edited.kind) return edited;
  const { body } = edited;
  if (body === undefined || original.body === undefined) return edited;
  const { text: shown, marks } = shownBody(original.body, isAboutSecrets(original), hide);
  if (marks.length === 0 || !("text" in body)) return edited;
  const isSecret = isAboutSecrets(edited);
  if (body.text === shown && isSecret === isAboutSecrets(original)) return { ...edited, body: original.body };
  const text = restored(body.text, marks, isSecret);
  if (!marks.some((mark) => text.includes(mark.shown))) return { ...edited, body: { text } };
  throw new CountersignError(
    "invalid_request",
    "A hidden value can stay where it is, be left out, or get another value; it cannot be put anywhere else.",
  );
}

function restored(text: string, marks: readonly Mark[], isSecret: boolean): string {
  const parts: string[] = [];
  let from = 0;
  for (const { place, value } of hiddenPlaces(text, isSecret).toSorted((a, b) => a.value.at.start - b.value.at.start)) {
    const mark = marks.find((one) => one.place === place && one.shown === value.at.value);
    if (mark === undefined) continue;
    parts.push(text.slice(from, value.at.start), mark.written);
    from = value.at.end;
  }
  return parts.join("") + text.slice(from);
}

function shownBody(body: Body, isSecret: boolean, hide: Hide): { readonly text: string; readonly marks: readonly Mark[] } {
  if ("text" in body) return shownText(body.text, isSecret, hide);
  // Protobuf, for example: what of it is a value cannot be told.
  const shown = isSecret ? hide(bodyBytes(body)) : "";
  return { text: shown, marks: isSecret ? [{ place: "", shown, written: "" }] : [] };
}

/** Whether a request is about Secrets, as RBAC is asked; what cannot be mapped is when its path names them. */
function isAboutSecrets({ method, path }: KubernetesRequest): boolean {
  try {
    return isOfSecrets(requestInfo(readMethod(method), readTarget(path)));
  } catch {
    return /secrets/i.test(path) || path.includes("%");
  }
}

/** Whether what RBAC is asked about is a Secret. */
export function isOfSecrets({ group, resource }: Pick<KubernetesFacts, "group" | "resource">): boolean {
  return group === "" && resource === "secrets";
}

function isObject(value: Json | undefined): value is { readonly [name: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
