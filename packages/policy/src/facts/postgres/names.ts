import {
  builtinOperators,
  builtinRelations,
  builtinTypes,
  laterFunctions,
  otherFunctions,
  otherRelations,
  safeFunctions,
} from "./catalog.generated.ts";

/** What a name may stand for. */
export interface Resolved {
  /** Every candidate, qualified by schema; functions, operators and types of pg_catalog by their bare name. Never empty. */
  readonly names: readonly string[];
  /** Whether it is PostgreSQL's own and known to have no effect. */
  readonly safe: boolean;
}

/** One identifier, quoted when it holds a dot or a quote, so that two different names never have the same text. */
function identifier(name: string): string {
  return /[."]/.test(name) ? `"${name.replaceAll('"', '""')}"` : name;
}

/**
 * Resolves names as PostgreSQL does with a pinned `search_path`, as far as that goes without the database's own catalog: `pg_catalog` is
 * searched first unless the path names it, and what PostgreSQL itself brings is known. Any other unqualified name may be in every schema
 * of the path.
 */
export class Names {
  readonly #path: readonly string[];
  readonly #pathWithCatalog: readonly string[];
  /** False when a schema of the path comes before pg_catalog: then a user's object hides PostgreSQL's own. */
  readonly #builtinsFirst: boolean;
  readonly #serverVersion: number;

  /** Without the server's major version only what every supported version has is taken for PostgreSQL's own. */
  constructor(searchPath: readonly string[], serverVersion = 0) {
    const position = searchPath.indexOf("pg_catalog");
    this.#path = searchPath.filter((schema) => schema !== "pg_catalog");
    this.#pathWithCatalog = position < 0 ? ["pg_catalog", ...searchPath] : searchPath;
    this.#builtinsFirst = position <= 0;
    this.#serverVersion = serverVersion;
  }

  /** Whether the server is known to have what came with a major version. */
  has(version: number): boolean {
    return version <= this.#serverVersion;
  }

  /** The tables or views that a name may stand for. A catalog (database) name is left out: PostgreSQL only accepts the current one. */
  relation(schema: string, name: string): readonly string[] {
    if (schema !== "") return [`${identifier(schema)}.${identifier(name)}`];
    if (builtinRelations.has(name)) return this.#builtinsFirst ? [`pg_catalog.${name}`] : qualify(this.#pathWithCatalog, name);
    const unsure = otherRelations.has(name) || name.startsWith("pg_");
    return qualify(unsure ? this.#pathWithCatalog : this.#path, name);
  }

  /**
   * The functions that a name may stand for. An unqualified name of a built-in function is taken for the built-in one; a user's function
   * of the same name with better fitting argument types cannot be seen here.
   */
  function(parts: readonly string[]): Resolved {
    const [schema, name] = split(parts);
    const safe = this.#isSafe(name);
    if (schema === "pg_catalog") return { names: [identifier(name)], safe };
    if (schema !== "") return { names: [`${identifier(schema)}.${identifier(name)}`], safe: false };
    const candidates = qualify(this.#path, name);
    if (safe && this.#builtinsFirst) return { names: [identifier(name)], safe };
    if (safe || otherFunctions.has(name)) return { names: [identifier(name), ...candidates], safe: false };
    return { names: candidates, safe: false };
  }

  #isSafe(name: string): boolean {
    return safeFunctions.has(name) || this.has(laterFunctions.get(name) ?? Number.POSITIVE_INFINITY);
  }

  /** Whether an operator is PostgreSQL's own, by the same rule as functions. */
  operator(parts: readonly string[]): Resolved {
    return this.#builtin(parts, builtinOperators);
  }

  /** Whether a type is PostgreSQL's own: a cast to a user's type may run a user's function. */
  type(parts: readonly string[]): Resolved {
    return this.#builtin(parts, builtinTypes);
  }

  #builtin(parts: readonly string[], known: ReadonlySet<string>): Resolved {
    const [schema, name] = split(parts);
    const safe = known.has(name) && (schema === "pg_catalog" || (schema === "" && this.#builtinsFirst));
    if (schema === "pg_catalog" || safe) return { names: [identifier(name)], safe };
    return { names: schema === "" ? qualify(this.#path, name) : [`${identifier(schema)}.${identifier(name)}`], safe };
  }
}

function split(parts: readonly string[]): readonly [schema: string, name: string] {
  return [parts.at(-2) ?? "", parts.at(-1) ?? ""];
}

function qualify(schemas: readonly string[], name: string): readonly string[] {
  if (schemas.length === 0) return [identifier(name)];
  return schemas.map((schema) => `${identifier(schema)}.${identifier(name)}`);
}
