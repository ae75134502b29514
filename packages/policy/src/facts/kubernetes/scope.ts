import { refused } from "../request/refusal.ts";
import type { Target } from "../request/target.ts";
import { isDiscovery, isSelfReview } from "./powers.ts";
import type { Method, RequestInfo } from "./request-info.ts";
import { type Subresource, subresourceOf } from "./subresources.ts";

/** What a request reaches, beyond its names. */
export interface Scope {
  /** Passed on to something behind the API server: what comes of it depends on that. */
  readonly passesOn: boolean;
  /** Opens a stream in both directions. */
  readonly connects: boolean;
  /** A question about the caller's own rights: nothing depends on its body, which kubectl sends in protobuf. */
  readonly asksOnly: boolean;
  /** Known to change nothing, if nothing is in doubt. */
  readonly reads: boolean;
  readonly doubts: readonly string[];
}

const readVerbs: ReadonlySet<string> = new Set(["get", "list", "watch"]);

/**
 * Finds out what a request reaches.
 *
 * @throws {CountersignError} `invalid_operation` for what API servers, routers and proxies read in different ways.
 */
export function readScope(method: Method, target: Target, info: RequestInfo, upgrades: boolean): Scope {
  const known = info.subresource === "" ? {} : subresourceOf(info.group, info.resource, info.subresource);
  const passesOn = info.verb === "proxy" || info.subresource === "proxy";
  const connects = known?.connects === true;
  checkPath(target, info, passesOn);
  checkQuery(target, connects, passesOn);
  if (connects && method !== "GET" && method !== "POST") throw refused(`${info.subresource} takes GET or POST.`);
  const reads = readVerbs.has(info.verb) && (!info.isResource || known?.reads === true || info.subresource === "");
  const doubts = info.isResource ? doubtsAboutResource(info, known, passesOn) : doubtsAboutPath(method, target);
  if (upgrades && !connects && !passesOn && info.verb !== "watch" && info.subresource !== "log")
    doubts.push("the connection is to become a WebSocket, which only streams do");
  const asksOnly = isOwnReview(info);
  return { passesOn, connects, asksOnly, reads: reads || asksOnly, doubts };
}

function checkPath({ path }: Target, info: RequestInfo, passesOn: boolean): void {
  if (path.segments.some((segment) => /[;%?#]/.test(segment)))
    throw refused("The path holds a semicolon, percent sign, question mark or hash in a segment, which no name holds.");
  if (path.text.length > 1 && path.text.endsWith("/") && info.isResource && !passesOn)
    throw refused("The path ends in a slash: a name may be missing. Leave the slash out.");
  if (info.verb === "watch" && info.subresource !== "") throw refused("A path with /watch/ has no sub-resource.");
}

function checkQuery({ query }: Target, connects: boolean, passesOn: boolean): void {
  if (query.doubts.some((doubt) => doubt.includes("semicolon")))
    throw refused("The query holds a semicolon, where older API servers begin the next parameter. Write %3B.");
  for (const [name, values] of Object.entries(query.values)) {
    if (name.toLowerCase() === "_method") throw refused("The parameter _method is not taken. Send the method that is meant.");
    if (values.length > 1 && !passesOn && !(connects && name === "command"))
      throw refused(`A parameter is given ${values.length} times, of which API servers take the first. Give it once.`);
  }
}

function doubtsAboutResource(info: RequestInfo, known: Subresource | undefined, passesOn: boolean): string[] {
  const { verb, subresource, trailing } = info;
  const doubts: string[] = [];
  if (verb === "proxy") doubts.push("a legacy proxy path passes any request on");
  if (known === undefined) doubts.push("the sub-resource is not known");
  if (known?.wide !== undefined) doubts.push(known.wide);
  if (known?.wideToWrite !== undefined && !readVerbs.has(verb)) doubts.push(known.wideToWrite);
  if (trailing.length > 0 && !passesOn) doubts.push(`the path goes on after the sub-resource ${subresource}`);
  return doubts;
}

function doubtsAboutPath(method: Method, { path }: Target): string[] {
  if ((method === "GET" || method === "HEAD") && isDiscovery(path.text)) return [];
  return ["the path is neither a resource nor one that only tells about the server"];
}

function isOwnReview({ verb, group, resource, subresource, namespace }: RequestInfo): boolean {
  return verb === "create" && subresource === "" && namespace === "" && isSelfReview(group, resource);
}
