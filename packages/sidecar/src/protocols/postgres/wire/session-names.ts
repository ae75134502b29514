import { type SqlStep, sqlSteps } from "@countersign/policy";
import type { TransactionStatus } from "../exchange.ts";
import type { Expected } from "./expected.ts";
import { Names, type Portal, type Prepared } from "./names.ts";
import { isBlank } from "./text.ts";

/** A text of more characters is not parsed in the turn of its client: what EXECUTE and FETCH in it run stays unknown. */
const longestParsed = 8 * 1024;

/** The prepared statements and portals of one session. */
export class SessionNames {
  readonly statements = new Names<Prepared>();
  readonly portals = new Names<Portal>();
  /** Texts on their way that define or close something by SQL. */
  #texts = 0;

  /** What the statements of a text do to names, where any does something; undefined also for what the parser does not accept. */
  stepsOf(text: string): readonly SqlStep[] | undefined {
    if (text.length > longestParsed) return undefined;
    try {
      return sqlSteps(text);
    } catch {
      // It is refused where it is classified.
      return undefined;
    }
  }

  /** Whether it is certain what a text with such steps runs. */
  isCertain(steps: readonly SqlStep[] | undefined, pipeline: number): boolean {
    if (steps === undefined) return true;
    return steps.every((step) => {
      if (step.does === "execute") return this.#texts === 0 && this.statements.isCertain(step.name, pipeline);
      return step.does !== "fetch" || (this.#texts === 0 && this.portals.isCertain(step.name, pipeline));
    });
  }

  /** Whether it is certain which statement, or portal, has the name. */
  isKnown(of: "statements" | "portals", name: string, pipeline: number): boolean {
    return this.#texts === 0 && this[of].isCertain(name, pipeline);
  }

  /** What each EXECUTE and FETCH of a text runs; undefined when there is none, or one is not known. */
  runsOf(steps: readonly SqlStep[] | undefined): readonly string[] | undefined {
    if (!steps?.some(({ does }) => does === "execute" || does === "fetch")) return undefined;
    // Statements of the text that come before count: when one of them fails, the others do not run.
    const own = new Map<string, string | undefined>();
    let all = false;
    const runs: string[] = [];
    for (const step of steps) {
      if (step.does === "prepare") own.set(`s${step.name}`, step.text);
      if (step.does === "declare") own.set(`p${step.name}`, step.text);
      if (step.does === "deallocate" && step.name !== undefined) own.set(`s${step.name}`, undefined);
      if (step.does === "close" && step.name !== undefined) own.set(`p${step.name}`, undefined);
      if ((step.does === "deallocate" || step.does === "close") && step.name === undefined) all = true;
      if (step.does !== "execute" && step.does !== "fetch") continue;
      const key = `${step.does === "execute" ? "s" : "p"}${step.name}`;
      const known = step.does === "execute" ? this.statements.get(step.name) : this.portals.get(step.name);
      const text = own.has(key) ? own.get(key) : all || (known?.of === "statement" && known.refused) ? undefined : known?.text;
      // An empty one runs nothing, but has nothing to be classified either: it stays unknown.
      if (text === undefined || isBlank(text)) return undefined;
      runs.push(text);
    }
    return runs;
  }

  /** A Query is on its way: whatever it holds, and whatever becomes of it, it takes the unnamed statement away (§53.2.3). */
  queried(pipeline: number): void {
    this.statements.sent("", undefined, pipeline);
  }

  /** Whether the session has, or may have, a statement or a portal without a name. */
  mayHaveUnnamed(pipeline: number): boolean {
    const { statements, portals } = this;
    return [statements, portals].some((names) => names.get("") !== undefined || !names.isCertain("", pipeline));
  }

  /** A text with such steps is on its way. */
  sent(steps: readonly SqlStep[] | undefined): void {
    if (steps?.some(({ does }) => definers.has(does))) this.#texts++;
  }

  /** It is answered, or skipped. */
  done(steps: readonly SqlStep[] | undefined) {
    if (steps?.some(({ does }) => definers.has(does))) this.#texts--;
  }

  /** A statement of a text is complete. */
  completed({ steps, completed, source, running }: Expected) {
    const step = steps?.[completed];
    switch (step?.does) {
      case "prepare": {
        const { name, text } = step;
        const inner = { of: "statement", text, source, types: [], steps: undefined, bySql: true, refused: false } as const;
        return this.statements.set(name, inner);
      }
      case "declare": {
        const { name, text, hold } = step;
        const cursor = { of: "portal", text, source, steps: undefined, hold, running: undefined, rows: 0 } as const;
        return this.portals.set(name, { ...cursor, finished: false, operation: undefined });
      }
      case "deallocate":
        if (step.name === undefined) this.statements.clearNamed();
        else this.statements.set(step.name, undefined);
        return;
      case "close":
        if (step.name === undefined) this.portals.clear();
        else this.portals.set(step.name, undefined);
        return;
      case "fetch": {
        const cursor = this.portals.get(step.name);
        if (cursor && running) cursor.rows += running.rows;
        return;
      }
    }
  }

  /** The server is ready: outside of a transaction only held cursors are left. Gives the portals that are gone. */
  ready(status: TransactionStatus): readonly Portal[] {
    return status === "I" && this.portals.size > 0 ? this.portals.clear(({ hold }) => !hold) : none;
  }
}

const none: readonly Portal[] = [];
const definers: ReadonlySet<string> = new Set(["prepare", "deallocate", "declare", "close"]);
