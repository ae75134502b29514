import { type PostgresQuery, rowSearch } from "@countersign/policy";
import { isServerError } from "./codec.ts";
import { NotFoundOut, shortened } from "./evidence-failure.ts";
import type { EvidenceSession } from "./evidence-session.ts";

/** A plan as approvers see it. */
export interface Planned {
  readonly plan: string;
  readonly estimatedRows: number;
  readonly notes: readonly string[];
}

const mostLines = 200;
const longestDetail = 300;
/** The text type: of a parameter that the planned text does not use, because one without a type is refused. */
const textOid = 25;

/**
 * Has a statement planned with its values, without running it.
 *
 * A login that may only read may not have a change planned (PostgreSQL looks at its rights before it shows a plan): then the search for the rows
 * that would change is planned.
 */
export async function planOfStatement(
  session: EvidenceSession,
  { statement, parameters }: Pick<PostgresQuery, "statement" | "parameters">,
): Promise<Planned> {
  await session.command("savepoint planning");
  try {
    return { ...(await explain(session, statement, parameters, [])), notes: [] };
  } catch (error) {
    const search = isServerError(error) && error.code === "42501" ? rowSearch(statement) : undefined;
    if (search === undefined) throw error;
    await session.command("rollback to savepoint planning");
    const isUsed = parameters.map((_, index) => search.parameters.has(index + 1));
    const left = parameters.slice(0, Math.max(0, ...search.parameters));
    const planned = await explain(
      session,
      search.statement,
      left.map((value, index) => (isUsed[index] ? value : null)),
      left.map((_, index) => (isUsed[index] ? 0 : textOid)),
    );
    return { ...planned, notes: ["The plan is that of the search for the rows: the login that plans may not change them."] };
  }
}

async function explain(
  session: EvidenceSession,
  statement: string,
  parameters: PostgresQuery["parameters"],
  types: readonly number[],
): Promise<Omit<Planned, "notes">> {
  const { rows } = await session.run(`explain (format json)\n${statement}`, parameters, { types });
  const answer: unknown = JSON.parse(rows[0]?.[0] ?? "null");
  const root = Array.isArray(answer) && isNode(answer[0]) && isNode(answer[0].Plan) ? answer[0].Plan : undefined;
  if (root === undefined) throw new NotFoundOut("PostgreSQL gave no plan that can be read.");
  const lines = [...planLines(root, 0)];
  const shown = lines.length > mostLines ? [...lines.slice(0, mostLines), `… ${lines.length - mostLines} more lines`] : lines;
  return { plan: shown.join("\n"), estimatedRows: expectedRows(root) };
}

interface PlanNode {
  readonly [field: string]: unknown;
}

/** What a step says of itself, in the order of PostgreSQL's own text. */
const details = [
  "Sort Key",
  "Group Key",
  "Function Call",
  "Index Cond",
  "Recheck Cond",
  "TID Cond",
  "Merge Cond",
  "Hash Cond",
  "Join Filter",
  "Filter",
  "One-Time Filter",
  "Conflict Resolution",
  "Conflict Arbiter Indexes",
  "Conflict Filter",
] as const;

/**
 * The plan's text, made here and not by PostgreSQL: in its text a line break inside a literal looks like a step of the plan, and the literals are
 * the agent's.
 */
function* planLines(node: PlanNode, depth: number): Generator<string> {
  const indent = "  ".repeat(Math.min(depth, 40));
  const kind = [node.Operation, node["Join Type"], node["Node Type"]].filter((one) => typeof one === "string" && one !== "");
  const name = node["Node Type"] === "ModifyTable" ? `${text(node.Operation)}` : kind.map(text).join(" ");
  const relation = node["Relation Name"] === undefined ? "" : ` on ${text(node["Relation Name"])}`;
  const alias = node.Alias === undefined || node.Alias === node["Relation Name"] ? "" : ` ${text(node.Alias)}`;
  const index = node["Index Name"] === undefined ? "" : ` using ${text(node["Index Name"])}`;
  const cost = `(cost=${text(node["Startup Cost"])}..${text(node["Total Cost"])} rows=${text(node["Plan Rows"])})`;
  yield `${indent}${depth > 0 ? "-> " : ""}${name}${index}${relation}${alias}  ${cost}`;
  for (const detail of details) if (node[detail] !== undefined) yield `${indent}     ${detail}: ${text(node[detail])}`;
  for (const child of childrenOf(node)) yield* planLines(child, depth + 1);
}

/** Of a change without RETURNING the step itself gives no rows; those that it takes are meant. */
function expectedRows(root: PlanNode): number {
  const rows = (node: PlanNode) => (typeof node["Plan Rows"] === "number" ? node["Plan Rows"] : 0);
  if (root["Node Type"] !== "ModifyTable") return rows(root);
  const sources = childrenOf(root).filter((child) => !["InitPlan", "SubPlan"].includes(String(child["Parent Relationship"])));
  return sources.reduce((sum, child) => sum + rows(child), 0);
}

function childrenOf({ Plans: plans }: PlanNode): readonly PlanNode[] {
  return Array.isArray(plans) ? plans.filter(isNode) : [];
}

function isNode(value: unknown): value is PlanNode {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value on one line, whatever is in it. */
function text(value: unknown): string {
  const one = Array.isArray(value) ? value.join(", ") : String(value ?? "");
  const line = one
    .replaceAll("\\", "\\\\")
    .replaceAll("\n", "\\n")
    .replaceAll("\r", "\\r")
    .replaceAll(/[\u2028\u2029\u0085\v\f]/g, " ");
  return shortened(line, longestDetail);
}
