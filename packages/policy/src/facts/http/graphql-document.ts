import { GraphQLError } from "graphql/error";
import {
  type DocumentNode,
  type FragmentDefinitionNode,
  Kind,
  Lexer,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
  Source,
  TokenKind,
} from "graphql/language";

/** What a document asks for, by all of its operations together. */
export interface DocumentFact {
  /** `query`, `mutation`, `subscription`. */
  readonly kinds: readonly string[];
  /** Of the operation that is run; `""` when it has none. */
  readonly name: string;
  /** At the root, by their own names, wherever a fragment puts them. */
  readonly fields: readonly string[];
  /** Whether any field, at any depth, is answered under another name. */
  readonly aliased: boolean;
}

/** Why a document is not understood, in words. */
interface Doubt {
  readonly doubt: string;
}

const mostTokens = 10_000;
const mostDepth = 64;
const mostFields = 500;

const opening: ReadonlySet<string> = new Set([TokenKind.BRACE_L, TokenKind.BRACKET_L, TokenKind.PAREN_L]);
const closing: ReadonlySet<string> = new Set([TokenKind.BRACE_R, TokenKind.BRACKET_R, TokenKind.PAREN_R]);

/** How many tokens the documents of one request may still hold. */
export class TokenBudget {
  #left = mostTokens;

  /** Whether it suffices for one more. */
  take(): boolean {
    return --this.#left >= 0;
  }
}

/**
 * Reads a document (GraphQL September 2025 §2) with the reference parser. Nothing that variables or directives (`@skip`, `@include`) leave out is
 * left out here.
 *
 * @param operationName which operation is run; `""` = the only one.
 */
export function readDocument(text: string, operationName: string, budget: TokenBudget): DocumentFact | Doubt {
  const document = parsed(text, budget);
  if (typeof document === "string") return { doubt: document };
  const operations: OperationDefinitionNode[] = [];
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) operations.push(definition);
    else if (definition.kind !== Kind.FRAGMENT_DEFINITION) return { doubt: "a GraphQL document defines types" };
    else if (fragments.has(definition.name.value)) return { doubt: "a GraphQL document defines a fragment twice" };
    else fragments.set(definition.name.value, definition);
  }
  const names = operations.map(({ name }) => name?.value ?? "");
  if (new Set(names).size < names.length || (names.length > 1 && names.includes("")))
    return { doubt: "a GraphQL document has two operations of one name, or one without a name beside others" };
  if (operationName === "" ? names.length !== 1 : !names.includes(operationName))
    return { doubt: "a GraphQL document does not have the operation that is asked for, or asks for none of several" };
  const found = new Set<string>();
  for (const { selectionSet } of operations) {
    const doubt = collect(selectionSet, fragments, found, new Set());
    if (doubt !== undefined) return { doubt };
  }
  return {
    kinds: operations.map(({ operation }) => operation),
    name: operationName === "" ? (names[0] ?? "") : operationName,
    fields: [...found],
    aliased: [...operations, ...fragments.values()].some(({ selectionSet }) => isAliased(selectionSet)),
  };
}

/** The tree, or why there is none. The parser goes as deep and as long as the text does, so that its tokens are counted first. */
function parsed(text: string, budget: TokenBudget): DocumentNode | string {
  const lexer = new Lexer(new Source(text));
  let depth = 0;
  try {
    for (let { kind } = lexer.advance(); kind !== TokenKind.EOF; { kind } = lexer.advance()) {
      if (!budget.take()) return `GraphQL documents hold more than ${mostTokens} tokens`;
      if (opening.has(kind)) depth++;
      else if (closing.has(kind)) depth--;
      if (depth > mostDepth) return `a GraphQL document nests deeper than ${mostDepth}`;
    }
    return parse(text, { noLocation: true });
  } catch (error) {
    if (error instanceof GraphQLError) return "a GraphQL document is not one by the specification's grammar";
    throw error;
  }
}

/** Adds the fields of a root; gives why it cannot be told what they are. */
function collect(
  { selections }: SelectionSetNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  found: Set<string>,
  seen: Set<string>,
): string | undefined {
  for (const selection of selections) {
    if (selection.kind === Kind.FIELD) {
      found.add(selection.name.value);
      if (found.size > mostFields) return `a GraphQL document asks for more than ${mostFields} fields`;
      continue;
    }
    if (selection.kind === Kind.FRAGMENT_SPREAD) {
      const name = selection.name.value;
      const fragment = fragments.get(name);
      if (fragment === undefined) return "a GraphQL document uses a fragment that it does not define";
      // Each once: a second time, and inside of itself, it adds nothing.
      if (seen.has(name)) continue;
      seen.add(name);
      const doubt = collect(fragment.selectionSet, fragments, found, seen);
      if (doubt !== undefined) return doubt;
    } else {
      const doubt = collect(selection.selectionSet, fragments, found, seen);
      if (doubt !== undefined) return doubt;
    }
  }
  return undefined;
}

function isAliased({ selections }: SelectionSetNode): boolean {
  return selections.some((selection) => {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return false;
    if (selection.kind === Kind.FIELD && selection.alias !== undefined && selection.alias.value !== selection.name.value)
      return true;
    return selection.selectionSet !== undefined && isAliased(selection.selectionSet);
  });
}
