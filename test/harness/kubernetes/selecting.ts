import { ApiError, type ApiObject, fieldsOf } from "./object.ts";

/** What a list, a watch or a collection's deletion is of (API concepts, "Label selectors", "Field selectors"). */
export function selected(query: URLSearchParams): (object: ApiObject) => boolean {
  const labels = requirements(query.get("labelSelector") ?? "");
  const fields = (query.get("fieldSelector") ?? "").split(",").filter((part) => part !== "");
  return (object) =>
    labels.every((fits) => fits(object.metadata.labels ?? {})) && fields.every((field) => hasField(object, field));
}

function requirements(selector: string): ((labels: Readonly<Record<string, string>>) => boolean)[] {
  // Commas in parentheses belong to a set.
  const parts = selector.split(/,(?![^(]*\))/).filter((part) => part.trim() !== "");
  return parts.map((part) => {
    const set = /^\s*(\S+)\s+(in|notin)\s*\(([^)]*)\)\s*$/.exec(part);
    if (set?.[1] !== undefined) {
      const [, name, how, list = ""] = set;
      const values = list.split(",").map((one) => one.trim());
      return (labels) => values.includes(labels[name] ?? "\0") === (how === "in");
    }
    const [, name = "", how, value = ""] = /^\s*!?([^=!]+?)\s*(?:(==?|!=)\s*(.*?))?\s*$/.exec(part) ?? [];
    if (how === "!=") return (labels) => labels[name] !== value;
    if (how !== undefined) return (labels) => labels[name] === value;
    return (labels) => name in labels !== part.trim().startsWith("!");
  });
}

function hasField(object: ApiObject, field: string): boolean {
  const [, path = "", how, value] = /^([\w.]+)(==?|!=)(.*)$/.exec(field) ?? [];
  const known: Readonly<Record<string, unknown>> = {
    "metadata.name": object.metadata.name,
    "metadata.namespace": object.metadata.namespace,
    "status.phase": fieldsOf(object, "status").phase,
    "spec.nodeName": fieldsOf(object, "spec").nodeName ?? "",
    "involvedObject.name": fieldsOf(object, "involvedObject").name,
    "involvedObject.namespace": fieldsOf(object, "involvedObject").namespace,
    "involvedObject.kind": fieldsOf(object, "involvedObject").kind,
    "involvedObject.uid": fieldsOf(object, "involvedObject").uid,
    type: object.type,
  };
  if (!(path in known)) throw new ApiError(400, "BadRequest", `field label not supported: ${path || field}`);
  return (known[path] === value) === (how !== "!=");
}
