import type { HttpApi, Json, LineOperation, Policy, Principal } from "@countersign/policy";
import { readOperationMessage } from "@countersign/policy/operation";
import type { GetPolicyResponse, ListResourcesResponse, Resource } from "@countersign/rpc";
import type { GuardedAction } from "./action.ts";
import type { Connection } from "./connection.ts";
import type { Decision } from "./decision.ts";
import { CountersignError } from "./errors.ts";
import { toOperation } from "./operation.ts";

/** How long a copy of the policy serves, milliseconds. */
const freshMs = 5000;

/** What policy would say of an action, as far as this process can know. */
export interface Advice extends Decision {
  /**
   * Whether all rules were asked. When the operator keeps some to themselves, the answer is what the others say: an `allow` may turn out as
   * `review` or `deny`, a `review` may ask for more, and what no rule that is known matches may be allowed. A `deny` with `rules` stands.
   */
  readonly complete: boolean;
}

/** A resource, and what its requests are named by. */
interface KnownResource extends Resource {
  readonly api: HttpApi;
}

/** The sidecar's policy, as this process knows it. */
interface Copy {
  readonly policy: Policy;
  /** Of the whole policy, also when only a part is known. */
  readonly digest: string;
  readonly partial: boolean;
  readonly principal: Principal;
  readonly resources: ReadonlyMap<string, KnownResource>;
  readonly untilMs: number;
}

/**
 * Evaluates the sidecar's policy in the agent's process. It is advice: the sidecar decides when the action is asked for. The parser and the
 * policy language are loaded with the first question, so that clients that never ask do not carry them.
 */
export class Advisor {
  readonly #connection: Connection;
  readonly #now: () => number;
  #copy: Promise<Copy> | undefined;
  /** The digest of the copy, and the last other one that decided something. */
  #digest = "";
  #other = "";

  constructor(connection: Connection, now: () => number = Date.now) {
    this.#connection = connection;
    this.#now = now;
    connection.decidedBy = (digest) => this.#noticed(digest);
  }

  /**
   * What policy would say now.
   *
   * @throws {CountersignError} `unknown_resource`, `invalid_operation`, `invalid_parameter`, `operation_too_large`, or as any call.
   */
  async check(action: GuardedAction, reason: string): Promise<Advice> {
    const operation = policyOperation(action);
    const library = await import("@countersign/policy");
    const { policy, digest, partial, principal, resources } = await this.#current(library);
    const resource = resources.get(action.resource);
    if (resource === undefined) throw unknownResource(action.resource, resources);
    try {
      const facts = library.classify(operation, { searchPath: resource.searchPath, http: resource.api });
      const question = { resource, principal, facts, reason, nowMs: this.#now() };
      const decision = policy.decide(question);
      const allowed = decision.effect === "deny" ? { role: "", limits: {} } : { role: decision.role, limits: decision.limits };
      const { effect, rules, message = "" } = decision;
      const opaque = library.isOpaque(facts);
      return { effect, rules, ...allowed, message, policyDigest: digest, opaque, complete: !partial };
    } catch (error) {
      if (!(error instanceof library.CountersignError)) throw error;
      throw new CountersignError(error.code, error.message, { retryable: error.retryable, cause: error });
    }
  }

  async #current(library: typeof import("@countersign/policy")): Promise<Copy> {
    const known = await this.#copy?.catch(() => undefined);
    if (known !== undefined && this.#now() < known.untilMs) return known;
    this.#copy = this.#load(library);
    return this.#copy;
  }

  /** The sidecar has decided by another policy than this copy's: it is asked again, once for each. An old request may tell of an old policy. */
  #noticed(digest: string): void {
    if (this.#digest === "" || digest === "" || digest === this.#digest || digest === this.#other) return;
    this.#other = digest;
    this.#copy = undefined;
  }

  async #load(library: typeof import("@countersign/policy")): Promise<Copy> {
    const [current, { resources }] = await Promise.all([
      this.#connection.unary<GetPolicyResponse>((client, metadata, done) => client.getPolicy({}, metadata, done)),
      this.#connection.unary<ListResourcesResponse>((client, metadata, done) => client.listResources({}, metadata, done)),
      library.loadParser(),
    ]);
    this.#digest = current.policyDigest;
    return {
      policy: loadedBy(library, current.files),
      digest: current.policyDigest,
      partial: current.partial,
      principal: { issuer: "", subject: "", groups: [], ...current.principal, claims: claimsOf(current.claimsJson) },
      resources: new Map(resources.map((resource) => [resource.name, { ...resource, api: apiOf(resource) }])),
      untilMs: this.#now() + freshMs,
    };
  }
}

function apiOf({ httpApi }: Resource): HttpApi {
  const { graphql = "", documented = false, operations = [] } = httpApi ?? {};
  return { ...(graphql !== "" && { graphql }), ...(documented && { operations }) };
}

function claimsOf(text: string): Record<string, Json> {
  const claims: unknown = text === "" ? {} : JSON.parse(text);
  if (typeof claims !== "object" || claims === null || Array.isArray(claims)) return {};
  return claims as Record<string, Json>;
}

function loadedBy(library: typeof import("@countersign/policy"), files: Readonly<Record<string, string>>): Policy {
  try {
    return library.loadPolicy(files);
  } catch (error) {
    // The sidecar itself accepted these files.
    throw new CountersignError("internal", "This SDK cannot read the sidecar's policy; update it to the sidecar's version.", {
      cause: error,
    });
  }
}

/** What the sidecar would make of it. */
function policyOperation(action: GuardedAction): LineOperation {
  const operation = readOperationMessage(toOperation(action));
  if (operation === undefined) throw new CountersignError("invalid_operation", "The action holds no operation.");
  return operation;
}

function unknownResource(name: string, known: ReadonlyMap<string, KnownResource>): CountersignError {
  const names = [...known.keys()].join(", ") || "none";
  return new CountersignError("unknown_resource", `The sidecar has no resource "${name}"; it has: ${names}.`);
}
