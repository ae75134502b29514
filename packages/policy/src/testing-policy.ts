import { classify } from "./facts.ts";
import { loadPolicy, type Policy, type Question } from "./policy.ts";
import { PolicyError } from "./problem.ts";

/** What differs from the ordinary question of a test. */
export interface Asked extends Partial<Omit<Question, "resource" | "facts">> {
  readonly resource?: Partial<Question["resource"]>;
}

/** The question about a statement, in a test. */
export function questionOf(statement: string, asked: Asked = {}): Question {
  const { resource, ...rest } = asked;
  return {
    resource: { name: "orders-db", type: "postgres", labels: {}, roles: ["reader", "writer"], ...resource },
    principal: { issuer: "i", subject: "agent-1", groups: [], claims: {} },
    facts: classify({ kind: "postgres.query", statement, parameters: [] }, { searchPath: ["public"] }),
    reason: "because",
    nowMs: 1_764_000_000_000,
    ...rest,
  };
}

/** What a policy says about a statement, in a test. */
export function ask(policy: Policy, statement: string, asked: Asked = {}) {
  return policy.decide(questionOf(statement, asked));
}

/** A policy of rules given in short: `id effect [other lines]`. */
export function policyOf(...rules: readonly string[]): Policy {
  const approval = "approval: { stages: [{ approvers: ['group:dba'] }] }";
  const texts = rules.map((rule) => {
    const [id, effect, ...others] = rule.split(/ (?=\S)/);
    const lines = others
      .join(" ")
      .split("; ")
      .filter((line) => line !== "");
    if (effect === "review" && !rule.includes("approval:")) lines.push(approval);
    return [`  - id: ${id}`, `effect: ${effect}`, ...lines].join("\n    ");
  });
  return loadPolicy({ "policy.yaml": `version: 1\nrules:\n${texts.join("\n") || "  []"}\n` });
}

/** Everything that is wrong with policy files, or `accepted`. One text is the file `p.yaml`. */
export function problemsOf(files: string | Readonly<Record<string, string>>): string {
  try {
    loadPolicy(typeof files === "string" ? { "p.yaml": files } : files);
    return "accepted";
  } catch (error) {
    if (!(error instanceof PolicyError)) throw error;
    return error.message;
  }
}
