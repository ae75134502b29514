import type { KubernetesRequest } from "../../action.ts";
import { readBytes } from "../request/body.ts";
import { readTarget } from "../request/target.ts";
import { readObject } from "./body.ts";
import type { KubernetesFacts } from "./definition.ts";
import { readDryRun } from "./dry-run.ts";
import { doubtsAboutNames } from "./names.ts";
import { doubtsAboutRemoved } from "./removed-headers.ts";
import { readRequestHeaders } from "./request-headers.ts";
import { readMethod, requestInfo } from "./request-info.ts";
import { readScope } from "./scope.ts";
import { readStream } from "./stream.ts";

/** Looks at a request that was not seen before. The facts are frozen. */
export function classifyRequest(operation: KubernetesRequest): KubernetesFacts {
  const method = readMethod(operation.method);
  const target = readTarget(operation.path);
  const bytes = readBytes(operation.body);
  const headers = readRequestHeaders(operation.headers, bytes.length);
  const info = requestInfo(method, target);
  const scope = readScope(method, target, info, headers.values.upgrade !== undefined);
  const stream = readStream(info, target.query, bytes.length > 0);
  const body = readObject(bytes, headers, info, scope, stream);
  const { isResource, trailing: _, ...names } = info;
  // What is doubtful about a path elsewhere is not here: API servers decode it once, and what a name cannot hold was refused.
  const doubts = new Set([
    ...target.query.doubts,
    ...headers.doubts,
    ...doubtsAboutNames(info),
    ...scope.doubts,
    ...doubtsAboutRemoved(headers, scope),
    ...stream.doubts,
    ...body.doubts,
  ]);
  return Object.freeze({
    ...names,
    allNamespaces: isResource && info.namespace === "",
    path: target.path.text,
    container: stream.container,
    argv: stream.argv,
    tty: stream.tty,
    stdin: stream.stdin,
    dryRun: readDryRun(target.query, info, bytes.length > 0, body.value),
    patchType: body.patchType,
    body: body.value,
    readOnly: scope.reads && doubts.size === 0,
    opaque: doubts.size > 0,
    doubts: Object.freeze([...doubts].sort()),
  });
}
