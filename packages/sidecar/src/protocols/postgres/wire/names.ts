import type { PostgresQuery, SqlStep } from "@countersign/policy";
import type { Running } from "./running.ts";

/** A prepared statement of the session, by Parse or by PREPARE. */
export interface Prepared {
  readonly of: "statement";
  /** What it runs, alone. */
  readonly text: string;
  /** The whole text that it was sent with, as `pg_prepared_statements` has it. */
  readonly source: string;
  /** What the client said that its parameters are, by OID; 0 = the server's choice. */
  readonly types: readonly number[];
  /** What the server said that they are, once it was asked (ParameterDescription). */
  described?: readonly number[];
  readonly steps: readonly SqlStep[] | undefined;
  /** By PREPARE. */
  readonly bySql: boolean;
  /** The client believes that the name is this, but it was refused and not sent: nothing of that name may run. */
  readonly refused: boolean;
}

/** The types of the parameters, where bytes are to be read by them: as the server has told, which knows also those that the client left to it. */
export function typesOf({ types, described }: Prepared, parameters: PostgresQuery["parameters"]): readonly number[] | undefined {
  if (described !== undefined && parameters.some((one) => one !== null && "binary" in one)) return described;
  return types.some((type) => type !== 0) ? types : undefined;
}

/** A portal, by Bind, or a cursor, by DECLARE: the server has one table for both. */
export interface Portal {
  readonly of: "portal";
  readonly text: string;
  readonly source: string;
  readonly steps: readonly SqlStep[] | undefined;
  /** It outlives the transaction. */
  readonly hold: boolean;
  /** What the last Execute or the declaration was decided as. */
  running: Running | undefined;
  /** Rows that were given of it, over all FETCHes. */
  rows: number;
  /** It was run to its end, or an Execute was sent that runs it to its end: another one needs its own decision. */
  finished: boolean;
  /** What it was bound as, to be judged again; undefined for a cursor. */
  readonly operation: PostgresQuery | undefined;
}

/** What was sent about a name and is not answered yet. */
interface Ahead<Thing> {
  /** The last of it. */
  thing: Thing | undefined;
  /** Messages. */
  due: number;
  /** Up to a Sync: that of the last one. */
  pipeline: number;
}

/**
 * The names of one kind of thing as the server knows them, and as it will when everything that was sent succeeds. What fails, or is skipped, is
 * taken back by what the server itself confirmed.
 */
export class Names<Thing> {
  readonly #confirmed = new Map<string, Thing>();
  readonly #ahead = new Map<string, Ahead<Thing>>();
  /** Of the empty name, which most clients use for every statement. */
  #unnamed: Thing | undefined;
  readonly #unnamedAhead: Ahead<Thing> = { thing: undefined, due: 0, pipeline: 0 };

  /** What a message that is sent now would find. */
  get(name: string): Thing | undefined {
    const ahead = this.#aheadOf(name);
    if (ahead !== undefined) return ahead.thing;
    return name === "" ? this.#unnamed : this.#confirmed.get(name);
  }

  /**
   * Whether that is certain. A definition of the same pipeline is: when it fails, the server skips what follows it. One of an earlier pipeline
   * may fail, and then an older thing of that name is still there.
   */
  isCertain(name: string, pipeline: number): boolean {
    const ahead = this.#aheadOf(name);
    return ahead === undefined || ahead.pipeline === pipeline;
  }

  /** How many there are at most. */
  get size(): number {
    const unnamed = (this.#unnamed === undefined ? 0 : 1) + (this.#unnamedAhead.due === 0 ? 0 : 1);
    return this.#confirmed.size + this.#ahead.size + unnamed;
  }

  /** A message that defines the name, or takes it away, is on its way. */
  sent(name: string, thing: Thing | undefined, pipeline: number): void {
    const ahead = name === "" ? this.#unnamedAhead : this.#ahead.get(name);
    if (ahead === undefined) {
      this.#ahead.set(name, { thing, due: 1, pipeline });
      return;
    }
    ahead.thing = thing;
    ahead.due++;
    ahead.pipeline = pipeline;
  }

  /** The server did it. */
  confirmed(name: string, thing: Thing | undefined): void {
    this.set(name, thing);
    this.undone(name);
  }

  /** The server did not do it. */
  undone(name: string): void {
    const ahead = this.#aheadOf(name);
    if (ahead === undefined || --ahead.due > 0) return;
    ahead.thing = undefined;
    if (name !== "") this.#ahead.delete(name);
  }

  /** It is so without a message of its own, e.g. by a statement that is complete. */
  set(name: string, thing: Thing | undefined): void {
    if (name === "") this.#unnamed = thing;
    else if (thing === undefined) this.#confirmed.delete(name);
    else this.#confirmed.set(name, thing);
  }

  /** Takes away all that have a name: DEALLOCATE ALL leaves the one without. */
  clearNamed(): void {
    this.#confirmed.clear();
  }

  /** Takes away all of them, or those that match; gives them. */
  clear(matches: (thing: Thing) => boolean = () => true): readonly Thing[] {
    const gone: Thing[] = [];
    if (this.#unnamed !== undefined && matches(this.#unnamed)) {
      gone.push(this.#unnamed);
      this.#unnamed = undefined;
    }
    for (const [name, thing] of this.#confirmed) {
      if (!matches(thing)) continue;
      this.#confirmed.delete(name);
      gone.push(thing);
    }
    return gone;
  }

  /** What the server has confirmed. */
  *entries(): Generator<readonly [string, Thing]> {
    if (this.#unnamed !== undefined) yield ["", this.#unnamed];
    yield* this.#confirmed;
  }

  #aheadOf(name: string): Ahead<Thing> | undefined {
    if (name === "") return this.#unnamedAhead.due > 0 ? this.#unnamedAhead : undefined;
    return this.#ahead.size > 0 ? this.#ahead.get(name) : undefined;
  }
}
