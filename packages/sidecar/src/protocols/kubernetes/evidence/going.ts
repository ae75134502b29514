import type { Json, KubernetesFacts } from "@countersign/policy";
import { type AskingTarget, isGood, messageOf } from "./asking-target.ts";
import { type About, fields, list, nameOf } from "./object-about.ts";

/** Metadata alone: values of what is counted do not even come here ("Kubernetes API Concepts", receiving metadata). */
const metadataOnly = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
/** So many are counted where a selector keeps the API server from telling how many are left. */
const mostCounted = 500;
const mostNamed = 20;

/** What goes with a namespace, and matters most. */
const inNamespace: readonly (readonly [name: string, path: string])[] = [
  ["Pods", "/api/v1/namespaces/NAME/pods"],
  ["Deployments", "/apis/apps/v1/namespaces/NAME/deployments"],
  ["Stateful sets", "/apis/apps/v1/namespaces/NAME/statefulsets"],
  ["Jobs", "/apis/batch/v1/namespaces/NAME/jobs"],
  ["Services", "/api/v1/namespaces/NAME/services"],
  ["Config maps", "/api/v1/namespaces/NAME/configmaps"],
  ["Secrets", "/api/v1/namespaces/NAME/secrets"],
  ["Volume claims", "/api/v1/namespaces/NAME/persistentvolumeclaims"],
];

/** What goes with an object, counted where that is cheap. */
export async function goesWith(object: Json, facts: KubernetesFacts, target: AskingTarget): Promise<About> {
  const { group, resource, namespace, name } = facts;
  const spec = fields(fields(object).spec);
  if (group === "" && resource === "namespaces")
    return await Promise.all(
      inNamespace.map(([what, path]) => counted(what, `${path.replace("NAME", encodeURIComponent(name))}?limit=1`, target)),
    );
  if (group === "" && resource === "nodes")
    return [
      await counted(
        "Pods on it",
        `/api/v1/pods?limit=${mostCounted}&fieldSelector=${encodeURIComponent(`spec.nodeName=${name}`)}`,
        target,
      ),
    ];
  if (group === "apiextensions.k8s.io" && resource === "customresourcedefinitions") {
    const version = list(spec.versions)
      .map(fields)
      .find(({ storage }) => storage === true);
    const parts = [spec.group, version?.name, fields(spec.names).plural];
    if (!parts.every((part) => typeof part === "string")) return [];
    return [await counted("Objects of that type", `/apis/${parts.map(encodeURIComponent).join("/")}?limit=1`, target)];
  }
  const labels = Object.entries(fields(fields(spec.selector).matchLabels));
  if (group !== "apps" || labels.length === 0) return [];
  const selector = encodeURIComponent(labels.map(([label, value]) => `${label}=${String(value)}`).join(","));
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods?limit=${mostCounted}&labelSelector=${selector}`;
  return [await counted("Pods that its selector matches", path, target)];
}

/** What a collection holds that is to be deleted as a whole. */
export async function goesOfCollection(path: string, target: AskingTarget): Promise<About> {
  const answer = await target.get(path, metadataOnly);
  if (!isGood(answer)) return [{ name: "What it selects", text: `could not be counted: ${messageOf(answer)}` }];
  const items = list(fields(answer.value).items).map(fields);
  const names = items.slice(0, mostNamed).map((item) => nameOf({ ...item, kind: "" }).replace(/^object /, ""));
  return [
    { name: "Objects that it selects", text: countOf(answer.value) },
    ...(names.length === 0 ? [] : [{ name: "Among them", text: names.join(", ") }]),
  ];
}

async function counted(name: string, path: string, target: AskingTarget): Promise<About[number]> {
  const answer = await target.get(path, metadataOnly);
  return { name, text: isGood(answer) ? countOf(answer.value) : `could not be counted: ${messageOf(answer)}` };
}

function countOf(value: Json | undefined): string {
  const { items, metadata } = fields(value);
  const { remainingItemCount, continue: next } = fields(metadata);
  const count = list(items).length;
  if (typeof remainingItemCount === "number") return String(count + remainingItemCount);
  return typeof next === "string" && next !== "" ? `${count} or more` : String(count);
}
