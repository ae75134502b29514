import type { Compilable } from "kysely";

/**
 * A query that was built and compiled once, for values that come later. To build one with Kysely costs ten times what the database needs to
 * answer it, in time and in garbage: what every vote asks for is prepared when the store is opened.
 */
export interface PreparedQuery<Values, Row> {
  /** In the words of the database that it was compiled for. */
  readonly sql: string;
  /** The parameters of the text, in its order. */
  parameters(values: Values): unknown[];
  /** Never there: what a row of the answer is, for the compiler. */
  readonly row?: Row;
}

/**
 * Prepares a query.
 *
 * @param build makes it with Kysely's builder out of named values. They stand for those of later: nothing may be decided or computed by them.
 */
export function prepared<Values extends object, Row>(build: (values: Values) => Compilable<Row>): PreparedQuery<Values, Row> {
  // The check beside the cast: only a `Placeholder` is found again among the parameters, whatever type it was taken for.
  const placeholders = new Proxy({}, { get: (_, name) => new Placeholder(name) }) as Values;
  const { sql, parameters } = build(placeholders).compile();
  return {
    sql,
    parameters: (values) => parameters.map((one) => (one instanceof Placeholder ? Reflect.get(values, one.name) : one)),
  };
}

/** Stands for a value that comes later. */
class Placeholder {
  readonly name: string | symbol;

  constructor(name: string | symbol) {
    this.name = name;
  }
}
