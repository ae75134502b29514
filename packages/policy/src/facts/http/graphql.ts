import type { Json } from "../../canonical.ts";
import type { BodyFact } from "../request/body.ts";
import type { Query } from "../request/query.ts";
import { type DocumentFact, readDocument, TokenBudget } from "./graphql-document.ts";

/** What a request asks of a GraphQL endpoint. */
export interface GraphqlFact {
  readonly kind: string;
  readonly name: string;
  readonly fields: readonly string[];
  readonly aliased: boolean;
  readonly opaque: boolean;
}

/** A request, read as every other. */
interface Asked {
  readonly method: string;
  /** Decoded. */
  readonly path: string;
  readonly query: Query;
  readonly body: BodyFact;
}

/** What GraphQL over HTTP gives a request (§5 and §6 of its specification); whatever else is there may mean another document to some server. */
const parameters: ReadonlySet<string> = new Set(["query", "operationName", "variables", "extensions"]);
const none: GraphqlFact = Object.freeze({ kind: "", name: "", fields: Object.freeze([]), aliased: false, opaque: false });

/** Why a request is not understood. */
class Unclear extends Error {
  override readonly name = "Unclear";
}

/**
 * Reads a request to the endpoint: every document that it brings, and every operation in them, whichever one a server runs.
 *
 * @param endpoint its path; undefined = the API has none.
 * @returns also why it is not understood, in words.
 */
export function readGraphql(
  asked: Asked,
  endpoint: string | undefined,
): { readonly fact: GraphqlFact; readonly doubts: readonly string[] } {
  if (endpoint === undefined || !isNear(asked.path, endpoint)) return { fact: none, doubts: [] };
  try {
    if (asked.path !== endpoint) throw new Unclear("the path is not quite the GraphQL endpoint's, and may be it to some servers");
    // Of two members of one name some servers take the first.
    if (asked.body.doubts.length + asked.query.doubts.length > 0)
      throw new Unclear("a GraphQL request has parts that servers read in different ways");
    const budget = new TokenBudget();
    return { fact: joined(documentsOf(asked).map((one) => readAsk(one, budget))), doubts: [] };
  } catch (error) {
    if (!(error instanceof Unclear)) throw error;
    return { fact: Object.freeze({ ...none, opaque: true }), doubts: [error.message] };
  }
}

/** Routers ignore case and a slash at the end, and mount an endpoint for all that is below it. */
function isNear(path: string, endpoint: string): boolean {
  return `${path.toLowerCase()}/`.startsWith(`${endpoint.toLowerCase()}/`);
}

/** What each document comes with: one, or those of a batch. */
function documentsOf({ method, query, body }: Asked): readonly Readonly<Record<string, Json>>[] {
  if (method === "GET" || method === "HEAD") {
    if (query.repeated.length > 0) throw new Unclear("the query gives a GraphQL parameter twice");
    return [Object.fromEntries(Object.entries(query.values).map(([name, [value = ""]]) => [name, value]))];
  }
  if (method !== "POST") throw new Unclear(`GraphQL is asked by GET or POST, not by ${method}`);
  // Some servers take these before those of the body.
  if (Object.keys(query.values).length > 0) throw new Unclear("a GraphQL request has parameters beside its body");
  if (body.contentType !== "application/json") throw new Unclear("a GraphQL request is not in application/json");
  const asks = Array.isArray(body.value) ? body.value : [body.value];
  if (asks.length === 0) throw new Unclear("a GraphQL batch is empty");
  return asks.map((ask) => {
    if (typeof ask !== "object" || ask === null || Array.isArray(ask)) throw new Unclear("a GraphQL request is no JSON object");
    return ask as Readonly<Record<string, Json>>;
  });
}

function readAsk(ask: Readonly<Record<string, Json>>, budget: TokenBudget): DocumentFact {
  const { query: text, operationName, extensions } = ask;
  if (Object.keys(ask).some((name) => !parameters.has(name)))
    throw new Unclear("a GraphQL request has members that may stand for another document");
  if (typeof text !== "string" || text === "") throw new Unclear("a GraphQL request brings no document (a persisted query)");
  if (typeof (operationName ?? "") !== "string") throw new Unclear("a GraphQL operationName is no text");
  if (!isHarmless(extensions)) throw new Unclear("a GraphQL request has extensions, which may stand for another document");
  const found = readDocument(text, operationName === undefined || operationName === null ? "" : String(operationName), budget);
  if ("doubt" in found) throw new Unclear(found.doubt);
  return found;
}

/** Clients say who they are there; `persistedQuery` stores or names documents. */
function isHarmless(extensions: Json | undefined): boolean {
  if (extensions === undefined || extensions === null || extensions === "" || extensions === "{}") return true;
  return (
    typeof extensions === "object" &&
    !Array.isArray(extensions) &&
    Object.keys(extensions).every((name) => name === "clientLibrary")
  );
}

/** All of it together: whoever may do the most of it may do it. */
function joined(documents: readonly DocumentFact[]): GraphqlFact {
  const kinds = new Set(documents.flatMap(({ kinds: own }) => own));
  const kind = ["mutation", "subscription", "query"].find((one) => kinds.has(one)) ?? "";
  return Object.freeze({
    kind,
    name: documents.length === 1 ? (documents[0]?.name ?? "") : "",
    fields: Object.freeze([...new Set(documents.flatMap(({ fields }) => fields))].sort()),
    aliased: documents.some(({ aliased }) => aliased),
    opaque: false,
  });
}
