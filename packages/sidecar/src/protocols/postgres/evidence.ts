import { changeStatement, type Evidence, type PostgresQuery, type SqlFacts } from "@countersign/policy";
import type { CredentialContext } from "../../credentials/source.ts";
import type { EvidenceSource, EvidenceWish } from "../../evidence/evidence-source.ts";
import type { ConnectOptions } from "./connect.ts";
import { failureWords, NotFoundOut } from "./evidence-failure.ts";
import { planOfStatement } from "./evidence-plan.ts";
import { EvidenceSession, mostRowBytes } from "./evidence-session.ts";
import { tryChange } from "./evidence-trial.ts";
import { connectFailure } from "./failure.ts";
import { loginsOf } from "./logins.ts";
import type { PostgresResource } from "./resource.ts";

type Found = Omit<Evidence, "timeMs" | "kind">;

/** What can be planned. */
const plannable = /^(SELECT( FOR .*)?|INSERT|UPDATE|DELETE|MERGE)$/;

/**
 * Opens the way to evidence about statements of one PostgreSQL resource: with connections of its own, one for each question.
 *
 * @throws {Error} when the file of the certificate authority cannot be read.
 */
export function openPostgresEvidence(resource: PostgresResource, context: CredentialContext): EvidenceSource {
  return new PostgresEvidence(resource, context);
}

class PostgresEvidence implements EvidenceSource {
  readonly #name: string;
  readonly #planner: string | undefined;
  readonly #logins: ReadonlyMap<string, ConnectOptions>;

  constructor(resource: PostgresResource, context: CredentialContext) {
    this.#name = resource.name;
    this.#planner = resource.evidence?.role;
    this.#logins = loginsOf(resource, context, mostRowBytes);
  }

  async gather({ kind, operation, facts, role }: EvidenceWish, signal: AbortSignal): Promise<Omit<Evidence, "timeMs">> {
    if (operation.kind !== "postgres.query" || facts.protocol !== "postgres") throw new TypeError("not a query");
    const refusal = refusalOf(facts.sql);
    if (refusal !== undefined) return { kind, failure: refusal, notes: [] };
    const tried = kind === "effect" ? await this.#try(operation, facts.sql, role, signal) : undefined;
    if (tried?.plan !== undefined) return { kind, ...tried };
    const planned = await this.#plan(operation, signal);
    const failures = [tried?.failure, planned.failure].filter((one) => one !== undefined);
    return {
      ...planned,
      ...{ kind, notes: [...(tried?.notes ?? []), ...planned.notes] },
      ...(failures.length > 0 && { failure: failures.join(" ") }),
    };
  }

  async #try(operation: PostgresQuery, facts: SqlFacts, role: string, signal: AbortSignal): Promise<Found> {
    try {
      using session = await this.#open(role, "read write", signal);
      return await tryChange(session, operation, facts);
    } catch (error) {
      return { failure: failureWords(error, "The exact effect"), notes: [] };
    }
  }

  /** With the login for evidence only: planning runs what is constant, and that must not be able to change anything. */
  async #plan(operation: PostgresQuery, signal: AbortSignal): Promise<Found> {
    const what = "The plan";
    try {
      if (this.#planner === undefined) {
        throw new NotFoundOut(`${what} could not be found out: the resource has no login for it (\`evidence: { role: NAME }\`).`);
      }
      using session = await this.#open(this.#planner, "read only", signal);
      if (session.isSuperuser) {
        throw new NotFoundOut(
          `${what} was not asked for: the login of the role ${this.#planner} is a superuser. It has to be one that can only read.`,
        );
      }
      return await planOfStatement(session, operation);
    } catch (error) {
      const isMerge = changeStatement(operation.statement)?.verb === "MERGE";
      const hint = isMerge ? " A MERGE is planned only for a login that may run it." : "";
      return { failure: `${failureWords(error, what)}${hint}`, notes: [] };
    }
  }

  async #open(role: string, access: "read only" | "read write", signal: AbortSignal): Promise<EvidenceSession> {
    const login = this.#logins.get(role);
    if (login === undefined) throw new NotFoundOut(`${this.#name} has no role ${role}.`);
    try {
      return await EvidenceSession.open(login, this.#name, access, signal);
    } catch (error) {
      if (error instanceof NotFoundOut) throw error;
      throw connectFailure(error, this.#name, role);
    }
  }
}

/** Why nothing is asked of the database at all. */
function refusalOf({ opaque, doubts, kinds }: SqlFacts): string | undefined {
  if (opaque) {
    const why = doubts.slice(0, 3).join("; ");
    return `What it would do was not looked into, because it is not fully understood (${why}): already planning it might run something.`;
  }
  const other = kinds.find((kind) => !plannable.test(kind));
  return other === undefined ? undefined : `What it would do could not be found out: PostgreSQL has no plan for ${other}.`;
}
