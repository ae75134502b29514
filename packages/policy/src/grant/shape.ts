import type { Operation } from "../action.ts";
import type { Json } from "../canonical.ts";
import { type Facts, isOpaque } from "../facts.ts";
import type { GrantedValue } from "./bound.ts";
import { mcpShape } from "./shapes/mcp.ts";
import { postgresShape } from "./shapes/postgres.ts";
import { requestShape } from "./shapes/request.ts";
import { sshShape } from "./shapes/ssh.ts";

/** One value of an operation. */
export interface ShapeValue {
  /** How people name it: `$1`, `constant 2`, `word 3`, `segment 2`, `query expand`, `argument /path/0`. */
  readonly name: string;
  readonly value: GrantedValue;
  /** It is an argument of a command. */
  readonly argument?: true;
}

/** An operation taken apart: what is the same for all that a grant may cover, and the values that may differ. */
export interface Shape {
  readonly fixed: Json;
  /** In the order of the operation's structure, not of its text: that alone says which value is which. */
  readonly values: readonly ShapeValue[];
}

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
      return facts.protocol === "http" ? requestShape(operation, { contentType: facts.http.contentType }) : undefined;
    case "mcp.call":
      return facts.protocol === "mcp" ? mcpShape(operation) : undefined;
    case "ssh.subsystem":
    case "plan":
      return undefined;
  }
}
