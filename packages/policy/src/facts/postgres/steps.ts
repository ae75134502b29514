import { LRUCache } from "lru-cache";
import { type ParsedStatement, parse } from "./parser.ts";
import { listOf, nodeOf, textOf, unwrap } from "./tree.ts";

/**
 * What one statement does to the things of a session that later statements name: prepared statements, cursors, the transaction. Names are as the
 * server looks them up.
 */
export type SqlStep =
  | { readonly does: "prepare"; readonly name: string; readonly text: string }
  | { readonly does: "execute"; readonly name: string }
  /** Without a name: all of them. */
  | { readonly does: "deallocate"; readonly name?: string }
  | { readonly does: "declare"; readonly name: string; readonly text: string; readonly hold: boolean }
  /** FETCH and MOVE. */
  | { readonly does: "fetch"; readonly name: string }
  | { readonly does: "close"; readonly name?: string }
  /** DISCARD PLANS and the like take nothing away that has a name. */
  | { readonly does: "begin" | "end" | "other" }
  /** `columns`: how many are listed; 0 = all. */
  | { readonly does: "copy-in"; readonly columns: number; readonly binary: boolean };

/** Seen texts that hold one of {@link words}. */
const seen = new LRUCache<string, readonly SqlStep[]>({
  max: 2000,
  maxSize: 8 * 1024 * 1024,
  sizeCalculation: (steps, text) => 2 * text.length + 200 * steps.length + 100,
});

const words = "prepare|execute|deallocate|declare|fetch|move|close|copy|begin|start|commit|end|rollback|abort";
const atStart = new RegExp(`(?:^|;)\\s*(?:${words})\\b`, "i");
/** Comments may stand before a statement. */
const comment = /--|\/\*/;
const anywhere = new RegExp(`\\b(?:${words})\\b`, "i");

/**
 * What each statement of a text does to the session, in order; undefined when none of them can do any of it. `loadParser` must have finished
 * once before.
 *
 * @throws {CountersignError} as `classify`, when the parser does not accept it.
 */
export function sqlSteps(text: string): readonly SqlStep[] | undefined {
  if (!(comment.test(text) ? anywhere : atStart).test(text)) return undefined;
  let steps = seen.get(text);
  if (steps === undefined) {
    steps = Object.freeze(parse(text).map(stepOf));
    seen.set(text, steps);
  }
  return steps.some(({ does }) => does !== "other") ? steps : undefined;
}

const beginning: ReadonlySet<unknown> = new Set(["TRANS_STMT_BEGIN", "TRANS_STMT_START"]);
/** PREPARE TRANSACTION takes the transaction away from the session. */
const ending: ReadonlySet<unknown> = new Set(["TRANS_STMT_COMMIT", "TRANS_STMT_ROLLBACK", "TRANS_STMT_PREPARE"]);
/** CURSOR_OPT_HOLD of parsenodes.h. */
const holdOption = 0x20;

function stepOf({ tree, text }: ParsedStatement): SqlStep {
  const { kind, node } = unwrap(tree) ?? { kind: "", node: {} };
  const name = textOf(node.name) || textOf(node.portalname);
  const named = name === "" ? {} : { name };
  switch (kind) {
    case "PrepareStmt":
      return { does: "prepare", name, text };
    case "ExecuteStmt":
      return { does: "execute", name };
    case "DeallocateStmt":
      return { does: "deallocate", ...named };
    case "DeclareCursorStmt":
      return { does: "declare", name, text, hold: typeof node.options === "number" && (node.options & holdOption) !== 0 };
    case "FetchStmt":
      return { does: "fetch", name };
    case "ClosePortalStmt":
      return { does: "close", ...named };
    case "TransactionStmt":
      if (beginning.has(node.kind)) return { does: "begin" };
      return { does: ending.has(node.kind) ? "end" : "other" };
    case "CopyStmt":
      if (node.is_from !== true || node.is_program === true || textOf(node.filename) !== "") return { does: "other" };
      return { does: "copy-in", columns: listOf(node.attlist).length, binary: isBinary(node.options) };
    default:
      return { does: "other" };
  }
}

function isBinary(options: unknown): boolean {
  return listOf(options).some((item) => {
    const option = nodeOf(item, "DefElem");
    return option?.defname === "format" && textOf(nodeOf(option.arg, "String")?.sval) === "binary";
  });
}
