import type { Operation, Principal } from "../action.ts";
import type { HttpApi } from "../facts/http/api.ts";
import { type ClassifyOptions, classify, type Facts } from "../facts.ts";
import type { Policy, Question } from "../policy.ts";

/** An operation and all that policy is asked with it. */
export interface Asking extends Pick<Question, "reason" | "nowMs"> {
  readonly operation: Operation;
  /** Its name; left out, the rules about any resource are looked at. */
  readonly resource?: string;
  /** Of the resource, or of whichever it is. */
  readonly labels: Readonly<Record<string, string>>;
  /** The names of the resource's roles; left out, whatever role a rule names is there. */
  readonly roles?: readonly string[];
  /** postgres: the pinned `search_path`. */
  readonly searchPath: readonly string[];
  /** http: what the API's requests are named by; absent = nothing is known of it. */
  readonly api?: HttpApi;
  readonly principal: Principal;
  /** The role that the caller asks for. */
  readonly role?: string;
}

/** An {@link Asking} as a policy can decide it. */
export interface Posed {
  /** The policy; where no resource is named, with every rule about any. */
  readonly policy: Policy;
  readonly question: Question;
  /** Nobody said which roles the resource has, and no deciding rule names one: the decision's role means nothing. */
  readonly anyRole: boolean;
}

/**
 * Finds out what is to be decided about.
 *
 * @throws {CountersignError} as `classify`; parameters that are not given are not checked.
 */
export function factsOf({ operation, searchPath, api }: Asking): Facts {
  const options: ClassifyOptions = { searchPath, unbound: true, ...(api && { http: api }) };
  return classify(operation, options);
}

/** Makes a question of an operation whose facts are known. */
export function pose(policy: Policy, asking: Asking, facts: Facts): Posed {
  const { resource, labels, roles, principal, role, reason, nowMs } = asking;
  const asked = resource === undefined ? anywhere(policy) : policy;
  const name = resource ?? "any resource";
  const withRoles = (roleNames: readonly string[]): Question => ({
    resource: { name, type: facts.protocol, labels, roles: roleNames },
    ...{ principal, facts, reason, nowMs },
    ...(role === undefined ? {} : { role }),
  });
  if (roles !== undefined) return { policy: asked, question: withRoles(roles), anyRole: false };
  const named = withRoles(roleNames(policy));
  const { rules } = asked.decide(named);
  if (rules.some((id) => roleOf(policy, id) !== undefined)) return { policy: asked, question: named, anyRole: false };
  return { policy: asked, question: withRoles([role ?? "any role"]), anyRole: role === undefined };
}

const widened = new WeakMap<Policy, Policy>();

function anywhere(policy: Policy): Policy {
  const known = widened.get(policy) ?? policy.aboutAnyResource();
  widened.set(policy, known);
  return known;
}

/** What each rule names as its role, by id. */
const namedRoles = new WeakMap<Policy, ReadonlyMap<string, string>>();

function rolesOf(policy: Policy): ReadonlyMap<string, string> {
  const known =
    namedRoles.get(policy) ?? new Map(policy.rules.flatMap(({ id, role }) => (role === undefined ? [] : [[id, role]])));
  namedRoles.set(policy, known);
  return known;
}

function roleOf(policy: Policy, id: string): string | undefined {
  return rolesOf(policy).get(id);
}

function roleNames(policy: Policy): readonly string[] {
  return [...new Set(rolesOf(policy).values())];
}
