import type { Evidence, Json } from "@countersign/policy";
import { type Fields, isFields } from "./field-difference.ts";

/** What evidence says an operation is about. */
export type About = NonNullable<Evidence["about"]>;

/** What an approver wants to know of an object before it is changed or goes. */
export function aboutObject(object: Json | undefined): About {
  if (!isFields(object)) return [];
  const metadata = fields(object.metadata);
  const owner = list(metadata.ownerReferences)
    .map(fields)
    .find((one) => one.controller === true);
  const finalizers = list(metadata.finalizers).filter((one) => typeof one === "string");
  return [
    { name: "Object", text: nameOf(object) },
    ...told("Created", metadata.creationTimestamp),
    ...told("Is being deleted since", metadata.deletionTimestamp),
    ...(owner === undefined ? [] : [{ name: "Controlled by", text: `${words(owner.kind)} ${words(owner.name)}` }]),
    ...(finalizers.length === 0
      ? []
      : [{ name: "Finalizers, that it waits for when it is deleted", text: finalizers.join(", ") }]),
  ];
}

/** `Deployment shop/web` */
export function nameOf(object: Fields): string {
  const { namespace, name } = fields(object.metadata);
  return `${words(object.kind) || "object"} ${typeof namespace === "string" ? `${namespace}/` : ""}${words(name)}`;
}

/** A line for a text that is there. */
export function told(name: string, value: Json | undefined): About {
  return typeof value === "string" || typeof value === "number" ? [{ name, text: String(value).slice(0, mostText) }] : [];
}

const mostText = 500;

/** An object's members; none for anything else. */
export function fields(value: Json | undefined): Fields {
  return isFields(value) ? value : {};
}

/** A list's elements; none for anything else. */
export function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function words(value: Json | undefined): string {
  return typeof value === "string" ? value.slice(0, mostText) : "";
}
