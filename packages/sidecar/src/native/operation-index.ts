import type { LineOperation } from "@countersign/policy";

type PostgresQuery = Extract<LineOperation, { kind: "postgres.query" }>;

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
  #last: (Variant & Pick<PostgresQuery, "connection" | "types">) | undefined;

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
    const last = this.#last;
    const { connection, types, input } = operation;
    if (last !== undefined && input === undefined && connection === last.connection && types === last.types) return last;
    const { kind: _, statement: __, parameters: ___, ...terms } = operation;
    const { id: ____, ...state } = connection ?? { id: "" };
    const json = JSON.stringify({ ...terms, connection: Object.keys(state).length === 0 ? undefined : state });
    const rest = json === "{}" ? "" : `,${json.slice(1, -1)}`;
    let variant = this.#variants.get(rest);
    if (variant === undefined) {
      variant = { places: new Map(), rest };
      this.#variants.set(rest, variant);
    }
    this.#last = input === undefined ? { ...variant, ...(connection && { connection }), ...(types && { types }) } : undefined;
    return variant;
  }
}
