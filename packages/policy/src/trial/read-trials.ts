import type { Operation, Principal } from "../action.ts";
import { readDocument } from "../document.ts";
import { readOperation } from "../explain/operation-json.ts";
import type { HttpApi } from "../facts/http/api.ts";
import type { ProtocolName } from "../facts/protocols.ts";
import { openDocument } from "../open-document.ts";
import { operationText } from "../operation/kinds.ts";
import { CountersignError } from "../outcome.ts";
import { DocumentError, type Problem } from "../problem.ts";
import { type Expectation, type TrialDefaults, type TrialText, trialsSchema } from "./trial-schema.ts";

/** One operation of a test, with all that policy is asked about it. */
export interface Trial {
  readonly name: string;
  /** Where the operation stands. */
  readonly place: Omit<Problem, "message">;
  readonly operation: Operation;
  /** The operation as one text; not escaped. */
  readonly text: string;
  readonly resource: {
    readonly name: string;
    readonly type: ProtocolName;
    readonly labels: Readonly<Record<string, string>>;
    /** Left out: every role that the policy names. */
    readonly roles?: readonly string[];
  };
  readonly searchPath: readonly string[];
  readonly api?: HttpApi;
  readonly principal: Principal;
  readonly reason: string;
  readonly nowMs: number;
  readonly expected: Expectation;
}

/** A `*.policy-test.yaml` file. */
export interface TrialSuite {
  readonly file: string;
  /** The policy files that it names, relative to itself; left out: those beside it. */
  readonly policy?: readonly string[];
  readonly trials: readonly Trial[];
}

/** A Monday at noon: the same moment whenever the tests run. */
const defaultNow = "2026-01-05T12:00:00Z";

/**
 * Reads a file of policy tests.
 *
 * @throws {DocumentError} with every problem as file, line and column, what was found and what is expected.
 */
export function readTrials(file: string, text: string): TrialSuite {
  const document = openDocument(file, text);
  const { policy, defaults = {}, tests } = readDocument(document, trialsSchema);
  const problems: Problem[] = [];
  const trials = tests.flatMap((test, index) => {
    const at = ["tests", index];
    const type = test.type ?? defaults.type;
    if (type === undefined) {
      problems.push(
        document.problem(at, '"type" is missing here and in "defaults"; expected postgres, ssh, kubernetes, http or mcp'),
      );
      return [];
    }
    if ((test.operation === undefined) === (test.operations === undefined)) {
      problems.push(document.problem(at, "a test has either an operation or a list of operations"));
      return [];
    }
    const listed = test.operations?.map((value, item) => ({ value, path: [...at, "operations", item] }));
    return (listed ?? [{ value: test.operation, path: [...at, "operation"] }]).flatMap(({ value, path }) => {
      try {
        const { message: _, ...place } = document.problem(path, "");
        return [createTrial(test, defaults, type, readOperation(type, value), place)];
      } catch (error) {
        if (!(error instanceof CountersignError)) throw error;
        problems.push(document.problem(path, error.message));
        return [];
      }
    });
  });
  if (problems.length > 0) throw new DocumentError(problems);
  return { file, ...(policy === undefined ? {} : { policy: [policy].flat() }), trials };
}

function createTrial(
  test: TrialText,
  defaults: TrialDefaults,
  type: ProtocolName,
  operation: Operation,
  place: Trial["place"],
): Trial {
  const { name, expect: expected } = test;
  const { issuer, subject, groups, claims } = { ...defaults.principal, ...test.principal };
  const roles = test.roles ?? defaults.roles;
  const api = test.api ?? defaults.api;
  return {
    ...{ name, place, operation, expected },
    text: operationText(operation),
    resource: {
      name: test.resource ?? defaults.resource ?? "target",
      type,
      labels: test.labels ?? defaults.labels ?? {},
      ...(roles ? { roles } : {}),
    },
    searchPath: test.searchPath ?? defaults.searchPath ?? ["public"],
    ...(api && { api }),
    principal: {
      issuer: issuer ?? "test",
      subject: subject ?? "agent",
      groups: (groups ?? []).toSorted(),
      claims: claims ?? {},
    },
    reason: test.reason ?? defaults.reason ?? "",
    nowMs: Date.parse(test.now ?? defaults.now ?? defaultNow),
  };
}
