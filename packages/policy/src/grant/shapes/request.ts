import type { HttpRequest, KubernetesRequest } from "../../action.ts";
import type { Json } from "../../canonical.ts";
import { readTarget } from "../../facts/request/target.ts";
import type { Shape, ShapeValue } from "../shape.ts";

/**
 * A request: its method, headers, body, how many parts its path has, the names in its query, and what it means; then the parts of the path,
 * the values of the query, and which object of that name it is.
 */
export function requestShape(operation: HttpRequest | KubernetesRequest, means: Json): Shape | undefined {
  const { kind, method, path: target, headers, body } = operation;
  const { path, query } = readTarget(target);
  const pairs = target
    .slice(target.indexOf("?") + 1)
    .split("&")
    .filter((pair) => target.includes("?") && pair !== "");
  const segments = path.segments.map((text, index): ShapeValue => ({ name: `segment ${index + 1}`, value: { text } }));
  const values: ShapeValue[] = [];
  const programs: string[] = [];
  for (const [name, texts] of Object.entries(query.values)) {
    // What `exec` runs: its program stays, the rest are arguments.
    const isCommand = kind === "kubernetes.request" && name === "command";
    texts.forEach((text, index) => {
      if (isCommand && index === 0) programs.push(text);
      else values.push({ name: queryName(name, index, texts.length), value: { text }, ...(isCommand ? { argument: true } : {}) });
    });
  }
  const uid = operation.kind === "kubernetes.request" ? operation.uid : undefined;
  if (uid !== undefined) values.push({ name: "uid", value: { text: uid } });
  return {
    fixed: {
      means,
      isPinned: uid !== undefined,
      method,
      headers: headers.map(([name, value]) => [name, value]),
      body: body === undefined ? null : { ...body },
      segments: segments.length,
      trailing: path.text.length > 1 && path.text.endsWith("/"),
      // As they were sent: servers may tell `?a` from `?a=`, and one order from another.
      names: pairs.map((pair) => pair.slice(0, pair.indexOf("=") + 1) || pair),
      programs,
    },
    values: [...segments, ...values],
  };
}

function queryName(name: string, index: number, count: number): string {
  return count === 1 ? `query ${name}` : `query ${name} ${index + 1}`;
}
