import type { PostgresTarget } from "../connector.ts";
import type { StartUpParameters } from "./start-up-parameters.ts";
import { StartUpRefusal } from "./start-up-refusal.ts";

/** The PostgreSQL resources that clients may name. */
export type Targets = ReadonlyMap<string, PostgresTarget>;

/** Where a client is let in. */
export interface Admission {
  readonly resource: string;
  readonly role: string;
  readonly lending: ReturnType<PostgresTarget["lending"]>;
  readonly holdInTransaction: PostgresTarget["holdInTransaction"];
}

/** So many names are listed. */
const mostNames = 20;

/**
 * Finds what an authenticated client has named: the database is a resource, the user one of its roles.
 *
 * @throws {StartUpRefusal} naming those that there are.
 */
export function admit(targets: Targets, { database, user }: Pick<StartUpParameters, "database" | "user">): Admission {
  const target = targets.get(database);
  if (target === undefined) {
    const hint = `The database is the name of a resource: ${listed([...targets.keys()])}.`;
    throw new StartUpRefusal("3D000", `database ${quoted(database)} does not exist`, hint);
  }
  if (!target.roles.includes(user)) {
    const hint = `The user is the name of a role of ${database}: ${listed(target.roles)}.`;
    throw new StartUpRefusal("28000", `role ${quoted(user)} does not exist`, hint);
  }
  const { holdInTransaction } = target;
  return { resource: database, role: user, lending: target.lending(user), holdInTransaction };
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return "there is none";
  return names.length > mostNames ? `${names.slice(0, mostNames).join(", ")}, …` : names.join(", ");
}

function quoted(name: string): string {
  return `"${name.slice(0, 63)}"`;
}
