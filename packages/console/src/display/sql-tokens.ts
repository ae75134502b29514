import type { Emitter, HLJSApi, Language } from "highlight.js";
import hljs from "highlight.js/lib/core";
import sql from "highlight.js/lib/languages/sql";

/** A piece of a statement with its scope: `keyword`, `type`, `built_in`, `literal`, `string`, `number`, `comment`, `variable`, `operator`. */
export interface Token {
  readonly text: string;
  readonly scope?: string;
}

/** Colouring is a help, not a check; above this size it would only make the page slow. */
const largestColoured = 200_000;

/** Words of PostgreSQL that the stock list lacks. */
const postgresKeywords =
  "returning conflict nothing do limit ilike truncate drop index if exists temp temporary materialized concurrently cascade restrict copy explain analyze vacuum reindex replace database schema lock declare perform language begin end commit rollback while loop raise".split(
    " ",
  );

/**
 * highlight.js's SQL with PostgreSQL's own lexical rules (manual §4.1). The stock rules take `E'\''`, `$$…$$` and nested comments wrongly,
 * and a statement could be written so that running code is painted as a comment.
 */
function postgres(api: HLJSApi): Language {
  const base = sql(api);
  const stock = typeof base.keywords === "object" && !Array.isArray(base.keywords) ? base.keywords : {};
  const words = Array.isArray(stock.keyword) ? stock.keyword : [];
  const keywords = { ...stock, keyword: [...words, ...postgresKeywords] };
  return {
    ...base,
    keywords,
    contains: [
      { scope: "comment", begin: /--/, end: /$/ },
      { scope: "comment", begin: /\/\*/, end: /\*\//, contains: ["self"] },
      { scope: "string", begin: /(?<![\w$\u0080-\uffff])[eE]'/, end: /'/, contains: [{ begin: /\\[\s\S]/ }, { begin: /''/ }] },
      { scope: "string", begin: /(?:(?<![\w$\u0080-\uffff])(?:[uU]&|[bBxXnN]))?'/, end: /'/, contains: [{ begin: /''/ }] },
      // What a dollar quote holds is code more often than not (DO, CREATE FUNCTION): its keywords are painted, nothing inside it is
      // taken for a string or a comment, and only its own tag ends it.
      api.END_SAME_AS_BEGIN({
        beginScope: "string",
        endScope: "string",
        keywords,
        begin: /(?<![\w$\u0080-\uffff])\$((?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?)\$/,
        end: /\$((?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?)\$/,
      }),
      // A quoted name is a name: no keyword inside it.
      { begin: /"/, end: /"/, keywords: "", contains: [{ begin: /""/ }] },
      { scope: "variable", begin: /\$\d+/ },
      { scope: "number", begin: /(?<![\w$\u0080-\uffff.])\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?/ },
      { scope: "operator", begin: /[-+*/<>=~!@#%^&|`?]/ },
    ],
  };
}

/** Collects highlight.js's output as a flat list instead of HTML: the page never builds markup from a statement. */
class TokenEmitter implements Emitter {
  readonly tokens: Token[] = [];
  readonly #scopes: string[] = [];

  addText(text: string): void {
    const scope = this.#scopes.at(-1);
    if (text !== "") this.tokens.push(scope === undefined ? { text } : { text, scope });
  }
  startScope(name: string): void {
    this.#scopes.push(name);
  }
  endScope(): void {
    this.#scopes.pop();
  }
  // The rest is not used: there is no sub-language and no HTML.
  openNode(name: string): void {
    this.startScope(name);
  }
  closeNode(): void {
    this.endScope();
  }
  __addSublanguage(): void {}
  finalize(): void {}
  closeAllNodes(): void {}
  toHTML(): string {
    return "";
  }
}

hljs.registerLanguage("postgres", postgres);
hljs.configure({ __emitter: TokenEmitter });

/** Cuts a statement into tokens whose texts, put together, are exactly the statement; on any doubt it is one plain token. */
export function sqlTokens(statement: string): readonly Token[] {
  const plain = [{ text: statement }];
  if (statement.length > largestColoured) return plain;
  const emitter = hljs.highlight(statement, { language: "postgres", ignoreIllegals: true })._emitter;
  if (!(emitter instanceof TokenEmitter)) return plain;
  return emitter.tokens.map((token) => token.text).join("") === statement ? emitter.tokens : plain;
}
