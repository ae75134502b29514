import { LRUCache } from "lru-cache";
import { type MaskedRelations, maskedQuestion, maskedRelations } from "./catalog.ts";
import { type MaskedStatement, Masking } from "./masking.ts";

/** Asks one of our own questions on a connection to the database. */
export type AskDatabase = (sql: string) => Promise<readonly (readonly (string | null)[])[]>;

/** A view that was made meanwhile is known after this time, milliseconds. */
const staleMs = 5_000;

/** What is masked in one database. */
export class Masks {
  readonly #now: () => number;
  readonly #known = new LRUCache<string, { readonly relations: MaskedRelations; readonly askedMs: number }>({ max: 100 });

  /** @param now monotonic milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /**
   * How one statement's result is masked.
   *
   * @throws what `ask` throws, and as {@link Masking}.
   */
  async of(masks: readonly string[], statement: MaskedStatement, ask: AskDatabase): Promise<Masking> {
    return new Masking(masks, await this.#relations(masks, ask), statement);
  }

  async #relations(masks: readonly string[], ask: AskDatabase): Promise<MaskedRelations> {
    const key = JSON.stringify(masks);
    const known = this.#known.get(key);
    if (known !== undefined && this.#now() - known.askedMs < staleMs) return known.relations;
    const askedMs = this.#now();
    const relations = maskedRelations(await ask(maskedQuestion(masks)));
    this.#known.set(key, { relations, askedMs });
    return relations;
  }
}
