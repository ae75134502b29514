import type { Json } from "../canonical.ts";

/** The types that facts have, as CEL names them. `dyn` is JSON of any shape. */
export type FactType = "bool" | "int" | "string" | "list<string>" | "map<string, string>" | "map<string, list<string>>" | "dyn";

/** What a fact is. */
export type FactDefinition = PlainFact | FactGroup;

/** A fact of one value. */
interface PlainFact {
  readonly type: FactType;
  /** One or two sentences for whoever writes policy. */
  readonly description: string;
}

/** Facts that belong together: `http.graphql.kind`. */
interface FactGroup {
  readonly type: "group";
  readonly description: string;
  readonly fields: Readonly<Record<string, PlainFact & { readonly type: Exclude<FactType, "int"> }>>;
}

/** Every fact about the operations of one protocol, by name. */
export type FactTable = Readonly<Record<string, FactDefinition>>;

interface Values {
  readonly bool: boolean;
  readonly int: number;
  readonly string: string;
  readonly "list<string>": readonly string[];
  readonly "map<string, string>": Readonly<Record<string, string>>;
  readonly "map<string, list<string>>": Readonly<Record<string, readonly string[]>>;
  readonly dyn: Json;
}

/** The values that a table describes. */
export type FactsOf<Table extends FactTable> = { readonly [Name in keyof Table]: ValueOf<Table[Name]> };

type ValueOf<Fact extends FactDefinition> = Fact extends FactGroup
  ? { readonly [Field in keyof Fact["fields"]]: Values[Fact["fields"][Field]["type"]] }
  : Fact extends PlainFact
    ? Values[Fact["type"]]
    : never;

/** What the facts of every protocol say. */
export interface ProtocolFacts {
  /** Not fully understood: an `allow` rule does not match unless it says `opaque: true`. */
  readonly opaque: boolean;
  /** Why, in words; empty when it is not opaque. Sorted. */
  readonly doubts: readonly string[];
}

/** What a protocol's operations are to conditions and decisions. */
export interface Protocol<Facts extends ProtocolFacts> {
  /** The name of its facts in conditions, e.g. `sql`. */
  readonly variable: string;
  readonly table: FactTable;
  /** A few words on what an operation is, for a refusal: `SELECT`, `get pods`, `POST /refunds`. Shows no value that may be secret. */
  summary(facts: Facts): string;
  /** Whether the operation is known to change nothing, so that its records need not be on disk before it is sent. */
  readOnly(facts: Facts): boolean;
  /**
   * The facts that the condition of an `allow` rule must look at, or it does not match. An operation that is much more than what its other
   * facts say (a sub-resource that opens a tunnel) must be meant by the rule, not swept in.
   */
  mustName?(facts: Facts): readonly string[];
  /** As {@link mustName}, of `review` rules. One that matches and does not look at them refuses: were it left out, a laxer one would decide. */
  mustNameToHold?(facts: Facts): readonly string[];
  /**
   * Why what a mask names cannot be hidden in the result of such an operation; undefined when it can. Absent = nothing of this protocol can be
   * hidden. What a rule cannot hide is not run by it.
   */
  maskRefusal?(mask: string, facts: Facts): string | undefined;
  /** Facts that are shared by many operations, which differ in one fact alone: what does not look at that one need not be asked again. */
  readonly shared?: {
    /** The fact that is not shared. */
    readonly but: string;
    /** The shared facts; the facts themselves where there are none. */
    of(facts: ProtocolFacts): ProtocolFacts;
  };
}
