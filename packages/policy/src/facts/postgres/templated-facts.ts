import type { ProtocolFacts } from "../fact.ts";
import type { SqlFacts } from "./definition.ts";

/** The facts of a text that differs from another one in nothing that facts are about. A copy of them is facts like all others. */
export class TemplatedFacts implements SqlFacts {
  readonly kinds: readonly string[];
  readonly readOnly: boolean;
  readonly writes: boolean;
  readonly ddl: boolean;
  readonly tables: readonly string[];
  readonly reads: readonly string[];
  readonly writesTo: readonly string[];
  readonly functions: readonly string[];
  readonly hasWhere: boolean;
  readonly fingerprint: string;
  readonly statements: number;
  readonly opaque: boolean;
  readonly doubts: readonly string[];
  readonly text: string;
  /** Private, so that no copy with other facts can claim it. */
  readonly #model: SqlFacts;

  constructor(model: SqlFacts, text: string) {
    this.kinds = model.kinds;
    this.readOnly = model.readOnly;
    this.writes = model.writes;
    this.ddl = model.ddl;
    this.tables = model.tables;
    this.reads = model.reads;
    this.writesTo = model.writesTo;
    this.functions = model.functions;
    this.hasWhere = model.hasWhere;
    this.fingerprint = model.fingerprint;
    this.statements = model.statements;
    this.opaque = model.opaque;
    this.doubts = model.doubts;
    this.text = text;
    this.#model = model;
    Object.freeze(this);
  }

  /** Facts that are the same but for their text, and are so for every text of the template; the facts themselves where there are none. */
  static modelOf(facts: ProtocolFacts): ProtocolFacts {
    return #model in facts ? facts.#model : facts;
  }
}
