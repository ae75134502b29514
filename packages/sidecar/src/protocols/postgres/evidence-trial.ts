import { changeStatement, type Evidence, type PostgresQuery, type SqlFacts } from "@countersign/policy";
import { isServerError } from "./codec.ts";
import { failureWords, NotFoundOut } from "./evidence-failure.ts";
import { surveyTarget } from "./evidence-obstacles.ts";
import { planOfStatement } from "./evidence-plan.ts";
import { type Sampling, sampleRows, samplingOf } from "./evidence-sample.ts";
import type { EvidenceSession } from "./evidence-session.ts";

/** More rows than this are not changed for a trial: their old versions would have to be cleaned away. */
const mostRows = 100_000;
/** Where a sequence is used up by trying. */
const mostNumbers = 100;

const portal = "countersign";

type Tried = Pick<Evidence, "plan" | "estimatedRows" | "affectedRows" | "sample" | "failure" | "notes">;

/**
 * Tries a change inside a transaction that is rolled back, with the role that it would run with: how many rows it changes, and some of them before
 * and after. Only a change of one table's rows is tried, and only where nothing can be left behind (see surveyTarget).
 *
 * What could be found out before something failed is given along with the failure.
 *
 * @throws {NotFoundOut} and what the server says against it, where nothing could be found out.
 */
export async function tryChange(session: EvidenceSession, query: PostgresQuery, facts: SqlFacts): Promise<Tried> {
  const { statement } = query;
  const change = changeStatement(statement);
  if (change === undefined) {
    const kinds = "an INSERT, UPDATE, DELETE or MERGE of one table, of at most 16 kB";
    throw new NotFoundOut(`The exact effect was not tried: that is only done for ${kinds}.`);
  }
  const ground = await surveyTarget(session, change, facts);
  const { plan, estimatedRows } = await planOfStatement(session, query);
  const most = ground.notes.some((note) => note.startsWith("Numbers of")) ? mostNumbers : mostRows;
  if (estimatedRows > most) {
    const failure = `The exact effect was not tried: PostgreSQL expects ${estimatedRows} rows, more than the ${most} that are changed for a trial.`;
    return { plan, estimatedRows, failure, notes: [] };
  }
  try {
    await session.command("savepoint trial");
    const sampling = await samplingOf(session, change, statement, ground.table);
    const { affectedRows, rows, isSampled } = await run(session, query, sampling);
    // What is checked at COMMIT only would otherwise never be.
    await session.command("set constraints all immediate");
    await session.command("rollback to savepoint trial");
    const sample = sampling && isSampled ? await sampling.read(rows) : [];
    return { plan, estimatedRows, affectedRows, sample, notes: [...ground.notes, ...notesOn(sample, affectedRows)] };
  } catch (error) {
    return { plan, estimatedRows, failure: failureWords(error, "The exact effect"), notes: ground.notes };
  }
}

interface Ran {
  readonly affectedRows: number;
  readonly rows: readonly (readonly (string | null)[])[];
  readonly isSampled: boolean;
}

async function run(
  session: EvidenceSession,
  { statement, parameters }: PostgresQuery,
  sampling: Sampling | undefined,
): Promise<Ran> {
  if (sampling !== undefined) {
    try {
      // The server runs the whole change before it gives the first row; the rest of the rows is counted there and never sent.
      const { rows, tag } = await session.run(sampling.statement, parameters, { portal: { name: portal, rows: sampleRows } });
      const more = tag === undefined ? countIn(await session.command(`move forward all in ${portal}`)) : 0;
      return { affectedRows: tag === undefined ? rows.length + more : countIn(tag), rows, isSampled: true };
    } catch (error) {
      // Giving rows back needs a right to read them, and names that may not fit: the statement itself may well run.
      if (!isServerError(error) || !error.code?.startsWith("42")) throw error;
      await session.command("rollback to savepoint trial");
    }
  }
  const { rows, tag } = await session.run(statement, parameters, { portal: { name: portal, rows: sampleRows } });
  const more = tag === undefined ? countIn(await session.command(`move forward all in ${portal}`)) : 0;
  return { affectedRows: tag === undefined ? rows.length + more : countIn(tag), rows: [], isSampled: false };
}

/** The number at the end of a tag: `UPDATE 5`, `INSERT 0 5`, `MOVE 5`. */
function countIn(tag: string | undefined): number {
  const count = /^[A-Z]+(?: 0)? (\d+)$/.exec(tag ?? "")?.[1];
  if (count === undefined)
    throw new NotFoundOut(`The exact effect could not be found out: PostgreSQL ended with ${tag ?? "nothing"}.`);
  return Number(count);
}

function notesOn(sample: NonNullable<Evidence["sample"]>, affectedRows: number): readonly string[] {
  const isUnknown = sample.some(({ beforeUnknown }) => beforeUnknown);
  const why = "the table has no primary key that stays the same";
  return [
    ...(isUnknown
      ? [`How the rows are now could not be found out: ${why}, and PostgreSQL tells it itself from version 18 on.`]
      : []),
    ...(affectedRows > 0 && sample.length === 0
      ? ["No rows can be shown: the role may not read them, or the statement does not let them be told."]
      : []),
  ];
}
