import type { PostgresParameter, PostgresQuery } from "../action.ts";
import { CountersignError } from "../outcome.ts";
import { readBinary } from "./binary-value.ts";
import { bodyMessage, readBodyMessage } from "./body.ts";
import type { OperationKind, OperationPart } from "./kind.ts";
import type { ParameterMessage } from "./message.ts";
import { connectionMessage, ownInputParts, readConnection } from "./own-input.ts";

/** A statement with its values. */
export const postgresQuery: OperationKind<"postgres.query"> = {
  write: ({ statement, parameters, types = [], input, runs, connection }) => ({
    $case: "postgresQuery",
    value: {
      ...{ statement, parameters: parameters.map(parameterMessage), types: [...types] },
      ...{ input: bodyMessage(input), connection: connectionMessage(connection) },
      runs: runs && { statements: [...runs] },
    },
  }),
  read({ statement, parameters, types, input: given, runs, connection }) {
    const input = readBodyMessage(given);
    return {
      kind: "postgres.query",
      ...{ statement, parameters: parameters.map(readParameter) },
      ...(types.length > 0 ? { types } : {}),
      ...(input && { input }),
      ...(runs && { runs: runs.statements }),
      ...readConnection(connection),
    };
  },
  text: ({ statement }) => statement,
  parts: ({ statement, parameters, types, input, runs, connection }) => [
    { name: "Statement", type: "block", content: { text: statement }, syntax: "sql" },
    ...(parameters.length > 0 ? [parameterPart(parameters)] : []),
    ...readingsPart({ parameters, ...(types && { types }) }),
    ...(types ? [{ name: "Types of the parameters", type: "note", text: types.join(", ") } as const] : []),
    ...(input ? [{ name: "Data", type: "block", content: input, syntax: "text" } as const] : []),
    ...(runs ? [runsPart(runs)] : []),
    ...ownInputParts(connection ? { connection } : {}),
  ],
};

function parameterPart(parameters: readonly PostgresParameter[]): OperationPart {
  const values = parameters.map((content, index) => ({ name: `$${index + 1}`, content }));
  return { name: "Parameters", type: "values", values };
}

/** How bind values in binary format read, where the client named their type and it is a known one. The bytes are what is approved. */
export function parameterReadings({
  parameters,
  types = [],
}: Pick<PostgresQuery, "parameters" | "types">): readonly { readonly name: string; readonly text: string }[] {
  return parameters.flatMap((parameter, index) => {
    const type = types[index] ?? 0;
    if (parameter === null || !("binary" in parameter) || type === 0) return [];
    const reading = readBinary(type, Buffer.from(parameter.binary, "base64url"));
    return reading === undefined ? [] : [{ name: `$${index + 1} as ${reading.type}`, text: reading.text }];
  });
}

function readingsPart(query: Pick<PostgresQuery, "parameters" | "types">): readonly OperationPart[] {
  const values = parameterReadings(query).map(({ name, text }) => ({ name, content: { text } }));
  return values.length === 0 ? [] : [{ name: "Binary parameters, as they read", type: "values", values }];
}

function runsPart(runs: readonly string[]): OperationPart {
  const values = runs.map((text, index) => ({ name: String(index + 1), content: { text } }));
  return { name: "What its EXECUTE and FETCH run", type: "values", values };
}

function parameterMessage(parameter: PostgresParameter): ParameterMessage {
  if (parameter === null) return { value: { $case: "null", value: true } };
  return "text" in parameter
    ? { value: { $case: "text", value: parameter.text } }
    : { value: { $case: "binary", value: Buffer.from(parameter.binary, "base64url") } };
}

function readParameter({ value }: ParameterMessage, index: number): PostgresParameter {
  switch (value?.$case) {
    case "null":
      return null;
    case "text":
      return { text: value.value };
    case "binary":
      return { binary: Buffer.from(value.value).toString("base64url") };
  }
  throw new CountersignError("invalid_parameter", `Parameter $${index + 1} holds no value; send \`null\` for SQL NULL.`);
}
