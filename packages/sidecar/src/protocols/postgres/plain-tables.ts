/** How long it is believed what a name stands for, milliseconds. */
const freshMs = 5_000;
/** So many names are remembered. */
const mostNames = 5_000;

/** Asks the database on a session that is no client's. */
type Ask = (sql: string) => Promise<readonly (readonly (string | null)[])[]>;

/** What a name stood for when it was asked: a table whose reading runs no code of its owner's, nothing, or something else. */
type Kind = "plain" | "absent" | "other";

/**
 * Knows which names are tables whose reading runs nothing but PostgreSQL's own code: no view, no rule, no row-level policy. Reading anything else may
 * change the settings of its session, by which the next statement would be read (THREATS.md pg-gucs).
 */
export class PlainTables {
  readonly #ask: Ask;
  readonly #now: () => number;
  readonly #known = new Map<string, { readonly kind: Kind; readonly untilMs: number }>();
  readonly #asking = new Set<string>();

  constructor(ask: Ask, now: () => number) {
    this.#ask = ask;
    this.#now = now;
  }

  /**
   * Whether all of them are known to be plain. What is not known is asked for and counts as not plain meanwhile.
   *
   * @param reads as `sql.reads`: an unqualified name stands there once for each schema that it may be in.
   */
  arePlain(reads: readonly string[]): boolean {
    const nowMs = this.#now();
    const unknown: string[] = [];
    let plain = true;
    for (const name of reads) {
      if (isSystem(name)) continue;
      const known = this.#known.get(name);
      if (known === undefined || known.untilMs < nowMs) unknown.push(name);
      else if (known.kind === "other" || (known.kind === "absent" && !this.#isElsewhere(name, reads))) plain = false;
    }
    if (unknown.length === 0) return plain;
    this.#find(unknown.filter((name) => !this.#asking.has(name)));
    return false;
  }

  /** Whether the same name is a plain table of another schema of the path. */
  #isElsewhere(name: string, reads: readonly string[]): boolean {
    const own = name.slice(name.indexOf("."));
    return reads.some((other) => other.endsWith(own) && this.#known.get(other)?.kind === "plain");
  }

  #find(names: readonly string[]): void {
    if (names.length === 0) return;
    for (const name of names) this.#asking.add(name);
    const done = () => {
      for (const name of names) this.#asking.delete(name);
    };
    void this.#ask(question(names))
      .then((rows) => {
        const found = new Map(rows.map(([name, plain]) => [name, plain === "t" ? "plain" : "other"] as const));
        if (this.#known.size + names.length > mostNames) this.#known.clear();
        const untilMs = this.#now() + freshMs;
        for (const name of names) this.#known.set(name, { kind: found.get(name) ?? "absent", untilMs });
        // What cannot be asked stays unknown.
      })
      .then(done, done);
  }
}

function isSystem(name: string): boolean {
  return name.startsWith("pg_catalog.") || name.startsWith("information_schema.");
}

/** By both parts, so that the index on names is used. */
function question(names: readonly string[]): string {
  const relations = names.map((name) => literal(name.slice(name.indexOf(".") + 1)));
  return `select n.nspname || '.' || c.relname, c.relkind in ('r', 'p', 'm', 'S') and not c.relrowsecurity and (c.relkind = 'm' or not c.relhasrules)
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relname in (${relations.join(", ")}) and n.nspname || '.' || c.relname in (${names.map(literal).join(", ")})`;
}

function literal(text: string): string {
  // standard_conforming_strings is pinned: a backslash is one.
  return `'${text.replaceAll("'", "''")}'`;
}
