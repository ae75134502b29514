import type { Decision } from "../decision.ts";
import { classify, type Facts } from "../facts.ts";
import { operationText } from "../operation/kinds.ts";
import { CountersignError } from "../outcome.ts";
import { isAbout, type RuleSummary } from "../policy/rule.ts";
import type { Policy } from "../policy.ts";
import { kindOf } from "./kinship.ts";
import type { RecordedAction, RecordedDecision } from "./recorded-action.ts";
import { shiftOf } from "./terms.ts";

/** What would be different for an action, the most dangerous first. */
const changes = [
  /** It would run without a person; then it did not. */
  "newly-runs",
  /** It was refused; now it would wait for people. */
  "newly-approvable",
  /** The same effect, on looser terms: fewer people, more of them to choose from, higher limits. */
  "looser",
  /** The same effect, with another role, or on terms of which none is the stricter. */
  "different",
  /** The same effect, on stricter terms. */
  "stricter",
  /** It ran at once; now it would wait for people. */
  "newly-waits",
  /** It ran or waited; now it would be refused. */
  "newly-refused",
] as const;

/** What would be different for an action; see `changes`. */
export type Change = (typeof changes)[number];

/** Recorded actions of one kind for which the same would be different. */
export interface SimulatedGroup {
  readonly change: Change;
  readonly resource: string;
  /** The operation of the first of them, as one text; not escaped, and only the beginning of a long one. */
  readonly example: string;
  readonly count: number;
  /** Subjects that asked, the first ten; not escaped. */
  readonly principals: readonly string[];
  /** Further subjects were not kept. */
  readonly morePrincipals: boolean;
  readonly was: RecordedDecision;
  readonly now: RecordedDecision;
  /** Why it would be refused. */
  readonly message?: string;
}

/** What a draft would have decided about recorded actions. */
export interface SimulationReport {
  /** Actions that the draft was asked about. */
  readonly replayed: number;
  readonly unchanged: number;
  /** By the danger of the change, then by count. */
  readonly groups: readonly SimulatedGroup[];
  /** Actions whose groups were not kept because there are too many, by change. */
  readonly ungrouped: Readonly<Partial<Record<Change, number>>>;
  /** Actions that a rule of the draft may decide by `principal.claims`, which are not recorded: nothing is said about them. */
  readonly claims: { readonly count: number; readonly rules: readonly string[] };
}

/** Groups that are kept; what comes after is only counted. */
const maxGroups = 10_000;
const maxPrincipals = 10;
/** Of an example, in UTF-16 units: what a group keeps must not depend on how long statements are. */
const maxExample = 2_000;

interface Group extends Omit<SimulatedGroup, "count" | "principals" | "morePrincipals"> {
  count: number;
  readonly principals: Set<string>;
  morePrincipals: boolean;
}

/** Replays recorded actions against a draft, one after the other. Keeps groups, never actions. */
export class Simulation {
  readonly #draft: Policy;
  readonly #claimRules: readonly RuleSummary[];
  readonly #groups = new Map<string, Group>();
  readonly #ungrouped: Partial<Record<Change, number>> = {};
  readonly #claimed = new Set<string>();
  #claims = 0;
  #replayed = 0;
  #unchanged = 0;

  constructor(draft: Policy) {
    this.#draft = draft;
    this.#claimRules = draft.rules.filter(({ condition }) => condition?.facts.has("principal.claims"));
  }

  /** Classifies an action again, asks the draft about it and holds the answer against what was decided then. */
  add(action: RecordedAction): void {
    const answer = this.#ask(action);
    if (answer === undefined) {
      this.#claims++;
      return;
    }
    this.#replayed++;
    const { kind, now, message } = answer;
    const change = changeOf(action.was, now);
    if (change === undefined) this.#unchanged++;
    else this.#count(change, kind, action, now, message);
  }

  /** What was found so far. */
  report(): SimulationReport {
    const rank = (change: Change): number => changes.indexOf(change);
    return {
      replayed: this.#replayed,
      unchanged: this.#unchanged,
      groups: [...this.#groups.values()]
        .map((group) => ({ ...group, principals: [...group.principals] }))
        .sort((a, b) => rank(a.change) - rank(b.change) || b.count - a.count),
      ungrouped: { ...this.#ungrouped },
      claims: { count: this.#claims, rules: [...this.#claimed].sort() },
    };
  }

  /** Undefined when the answer may depend on claims. */
  #ask(action: RecordedAction): { kind: string; now: RecordedDecision; message?: string } | undefined {
    const { operation, resource, searchPath, api, reason, timeMs } = action;
    let facts: Facts;
    try {
      const options = { searchPath, maxStatementBytes: Infinity, maxParameterBytes: Infinity };
      facts = classify(operation, api === undefined ? options : { ...options, http: api });
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      return { kind: error.code, now: { effect: "deny", rules: [] }, message: error.message };
    }
    const claimRules = this.#claimRules.filter(
      (rule) => isAbout(rule, resource) && rule.protocols.every((protocol) => protocol === facts.protocol),
    );
    if (claimRules.length > 0) {
      for (const { id } of claimRules) this.#claimed.add(id);
      return undefined;
    }
    const decision = this.#draft.decide({
      ...{ resource, facts, reason },
      principal: { ...action.principal, claims: {} },
      nowMs: timeMs,
    });
    return {
      kind: kindOf(facts),
      now: termsOf(decision),
      ...(decision.effect === "deny" ? { message: decision.message } : {}),
    };
  }

  #count(change: Change, kind: string, action: RecordedAction, now: RecordedDecision, message: string | undefined): void {
    const { was, resource, principal } = action;
    const key = JSON.stringify([change, kind, resource.name, was, now]);
    let group = this.#groups.get(key);
    if (!group) {
      if (this.#groups.size >= maxGroups) {
        this.#ungrouped[change] = (this.#ungrouped[change] ?? 0) + 1;
        return;
      }
      group = {
        ...{ change, was, now },
        ...(message === undefined ? {} : { message }),
        resource: resource.name,
        example: beginning(operationText(action.operation)),
        count: 0,
        principals: new Set(),
        morePrincipals: false,
      };
      this.#groups.set(key, group);
    }
    group.count++;
    if (group.principals.size < maxPrincipals) group.principals.add(principal.subject);
    else if (!group.principals.has(principal.subject)) group.morePrincipals = true;
  }
}

function beginning(text: string): string {
  return text.length > maxExample ? `${text.slice(0, maxExample).toWellFormed()}…` : text;
}

function termsOf(decision: Decision): RecordedDecision {
  const { effect, rules } = decision;
  if (effect === "deny") return { effect, rules };
  const { role, limits } = decision;
  return {
    ...{ effect, rules, role, limits },
    ...(effect === "review" ? { requirements: decision.approval.requirements } : {}),
  };
}

function changeOf(was: RecordedDecision, now: RecordedDecision): Change | undefined {
  if (now.effect === was.effect) {
    const shift = shiftOf(was, now);
    return shift === "same" ? undefined : shift;
  }
  if (now.effect === "allow") return "newly-runs";
  if (now.effect === "deny") return "newly-refused";
  return was.effect === "deny" ? "newly-approvable" : "newly-waits";
}
