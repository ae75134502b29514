import type { Operation } from "../../action.ts";
import type { Json } from "../../canonical.ts";
import type { HttpFacts } from "../../facts/http/definition.ts";
import { type Facts, isOpaque } from "../../facts.ts";
import type { Shape } from "../shape.ts";
import { mcpShape } from "./mcp.ts";
import { postgresShape } from "./postgres.ts";
import { requestShape } from "./request.ts";
import { sshShape } from "./ssh.ts";

/** More values than this cannot be looked through by a person. */
const mostValues = 1000;

/**
 * Takes an operation apart, from its own bytes. Undefined where no standing approval is possible: for what is not fully understood, for
 * several statements or commands, and for what is too large. Never throws.
 */
export function shapeOf(operation: Operation, facts: Facts): Shape | undefined {
  try {
    if (isOpaque(facts)) return undefined;
    const shape = takeApart(operation, facts);
    return shape === undefined || shape.values.length > mostValues ? undefined : shape;
  } catch {
    // What cannot be taken apart is not covered by anything.
    return undefined;
  }
}

function takeApart(operation: Operation, facts: Facts): Shape | undefined {
  switch (operation.kind) {
    case "postgres.query":
      return facts.protocol === "postgres" ? postgresShape(operation, facts) : undefined;
    case "ssh.exec":
      return facts.protocol === "ssh" && facts.parts === undefined ? sshShape(operation, facts.ssh) : undefined;
    case "kubernetes.request": {
      if (facts.protocol !== "kubernetes") return undefined;
      const { verb, group, version, resource, subresource, allNamespaces, container, tty, stdin, dryRun, patchType } =
        facts.kubernetes;
      const means = { verb, group, version, resource, subresource, allNamespaces };
      return requestShape(operation, { ...means, container, tty, stdin, dryRun, patchType });
    }
    case "http.request":
      return facts.protocol === "http" ? requestShape(operation, meaningOf(facts.http)) : undefined;
    case "mcp.call":
      return facts.protocol === "mcp" ? mcpShape(operation) : undefined;
    case "ssh.subsystem":
    case "plan":
      return undefined;
  }
}

/** What an API calls a request stays, whatever stands in its path and query: `/orders/{id}` is not `/orders/purge`. */
function meaningOf({ contentType, operation, graphql: { kind, name, fields, aliased } }: HttpFacts): Json {
  return {
    contentType,
    ...(operation !== "" && { operation }),
    ...(kind !== "" && { graphql: { kind, name, fields, aliased } }),
  };
}
