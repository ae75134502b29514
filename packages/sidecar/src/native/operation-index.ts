import type { LineOperation } from "@countersign/policy";

type PostgresQuery = Extract<LineOperation, { kind: "postgres.query" }>;

/**
 * Which of an operation's terms are written apart from the others. Every term is here, so that a new one makes somebody look at the shortcut in
 * `OperationIndex`, which compares them one by one.
 */
const isApart: Readonly<Record<keyof PostgresQuery, boolean>> = {
  ...{ kind: true, statement: true, parameters: true, connection: true },
  ...{ types: false, input: false, runs: false },
};
const isLeftOut: ReadonlySet<string> = new Set(Object.entries(isApart).flatMap(([name, apart]) => (apart ? [name] : [])));
const mostStates = 8;

/** The places of operations that have all but their text in common. */
interface Variant {
  /** By text. */
  readonly places: Map<string, number>;
  /** What comes after the text in their JSON. */
  readonly rest: string;
}

/**
 * The operations of a record, each once. Parameters are a passage's own, and the id of the connection is the record's: both are left out. Apart
 * from a statement's text, an operation's other terms (types, settings, captured data) rarely change from one to the next.
 */
export class OperationIndex {
  /** The JSON of the operation that was looked for last, when it was new; the record has to be told. */
  added: string | undefined;
  #count = 0;
  /** By {@link Variant.rest}. */
  readonly #variants = new Map<string, Variant>();
  /** Other operations, by their JSON. */
  readonly #others = new Map<string, number>();
  /** The variant that was met last with each state of the connection. */
  readonly #lasts = new Map<PostgresQuery["connection"], { readonly types: PostgresQuery["types"]; readonly variant: Variant }>();

  /** The place of an operation; sets {@link added}. */
  of(operation: LineOperation): number {
    if (operation.kind !== "postgres.query") return this.ofText(JSON.stringify(operation));
    const { statement } = operation;
    const { places, rest } = this.#variantOf(operation);
    const known = places.get(statement);
    this.added = undefined;
    if (known !== undefined) return known;
    this.added = `{"kind":"postgres.query","statement":${JSON.stringify(statement)}${rest}}`;
    places.set(statement, this.#count);
    return this.#count++;
  }

  /** @param json of an operation of which everything was left out that is to be. */
  ofText(json: string): number {
    const known = this.#others.get(json);
    this.added = known === undefined ? json : undefined;
    if (known !== undefined) return known;
    this.#others.set(json, this.#count);
    return this.#count++;
  }

  #variantOf(operation: PostgresQuery): Variant {
    const { connection, types } = operation;
    const isPlain = operation.input === undefined && operation.runs === undefined;
    const last = this.#lasts.get(connection);
    if (last !== undefined && isPlain && types === last.types) return last.variant;
    const rest = restOf(operation);
    let variant = this.#variants.get(rest);
    if (variant === undefined) {
      variant = { places: new Map(), rest };
      this.#variants.set(rest, variant);
    }
    // A connection that made its state anew each time would fill it.
    if (this.#lasts.size >= mostStates) this.#lasts.clear();
    if (isPlain) this.#lasts.set(connection, { types, variant });
    return variant;
  }
}

function restOf(operation: PostgresQuery): string {
  const terms: (readonly [string, unknown])[] = Object.entries(operation).filter(([name]) => !isLeftOut.has(name));
  const { id: _, ...state } = operation.connection ?? { id: "" };
  const all = Object.keys(state).length > 0 ? [...terms, ["connection", state] as const] : terms;
  return all.map(([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`).join("");
}
