import type { Path } from "../open-document.ts";
import type { Problem } from "../problem.ts";
import { CheckedCondition } from "./checked-condition.ts";
import { Checker } from "./checker.ts";
import { ConditionError } from "./compile/context.ts";
import { SharedParts } from "./compile/shared-parts.ts";
import { type Constant, constantType } from "./constant.ts";
import { protocolOf } from "./environment.ts";
import { inspect } from "./inspect.ts";
import { type Pattern, readPattern } from "./pattern.ts";
import type { PolicyFile } from "./policy-file.ts";

/** What a file's conditions may use by name: each name, and the file that defines it. */
interface Names {
  readonly constants: ReadonlyMap<string, Constant>;
  readonly conditions: ReadonlyMap<string, PolicyFile>;
}

/** A condition and where it stands. */
interface Placed {
  readonly condition: CheckedCondition;
  readonly file: PolicyFile;
  readonly path: Path;
}

/** Loads the conditions of a policy's files: first all are checked, then all are compiled, because they share parts. */
export class ConditionLoader {
  /** Everything that is wrong so far. */
  readonly problems: Problem[] = [];
  readonly #checker = new Checker();
  readonly #shared = new SharedParts();
  readonly #patterns = new Map<string, Pattern>();
  readonly #names = new Map<PolicyFile, Names>();
  /** Named conditions by file and name; undefined while one is being checked, or when something is wrong with it. */
  readonly #named = new Map<string, CheckedCondition | undefined>();
  readonly #loaded: Placed[] = [];

  /** Checks the variables and conditions that a file defines, also those that nobody uses. */
  define(file: PolicyFile): void {
    for (const [name, constant] of Object.entries(file.text.variables ?? {})) {
      if (constantType(constant) !== undefined) continue;
      const message = Array.isArray(constant)
        ? "a list holds values of one kind: texts, numbers, or true and false"
        : "the number is too large to be kept exactly";
      this.problems.push(file.document.problem(["variables", name], message));
    }
    for (const name of Object.keys(file.text.conditions ?? {})) this.#define(file, name, []);
  }

  /** Checks a condition; undefined when something is wrong with it. */
  check(file: PolicyFile, path: Path, text: string): CheckedCondition | undefined {
    return this.#check(file, path, text, []);
  }

  /** Makes all checked conditions ready to run. */
  compile(): void {
    for (const { condition, file, path } of this.#loaded) this.#attempt(file, path, () => condition.compile());
  }

  #define(file: PolicyFile, name: string, trail: readonly string[]): CheckedCondition | undefined {
    const key = `${file.name}\n${name}`;
    if (trail.includes(key)) {
      const round = [...trail.slice(trail.indexOf(key)), key].map((one) => one.split("\n")[1]).join(" → ");
      this.problems.push(file.document.problemAtKey(["conditions", name], `conditions must not use each other: ${round}`));
      return undefined;
    }
    if (!this.#named.has(key)) {
      const text = file.text.conditions?.[name] ?? "";
      this.#named.set(key, this.#check(file, ["conditions", name], text, [...trail, key]));
    }
    return this.#named.get(key);
  }

  #check(file: PolicyFile, path: Path, text: string, trail: readonly string[]): CheckedCondition | undefined {
    return this.#attempt(file, path, () => {
      const names = this.#namesOf(file);
      const { ast, check } = this.#checker.parse(text, names.constants);
      const uses = inspect(ast, { constants: new Set(names.constants.keys()), conditions: new Set(names.conditions.keys()) });
      check();
      const conditions = new Map<string, CheckedCondition>();
      for (const name of uses.conditions) {
        const used = this.#define(names.conditions.get(name) ?? file, name, trail);
        // What is wrong with it is told at its own place.
        if (used === undefined) return undefined;
        conditions.set(name, used);
      }
      const condition = new CheckedCondition({
        text,
        ast,
        uses,
        constants: names.constants,
        conditions,
        file: file.name,
        shared: this.#shared,
        pattern: (source) => this.#pattern(source),
      });
      expectOneProtocol(condition);
      this.#loaded.push({ condition, file, path });
      return condition;
    });
  }

  #attempt<T>(file: PolicyFile, path: Path, run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      if (!(error instanceof ConditionError)) throw error;
      this.problems.push(file.document.problem(path, error.message, error.offset));
      return undefined;
    }
  }

  #namesOf(file: PolicyFile): Names {
    const known = this.#names.get(file);
    if (known) return known;
    const constants = new Map<string, Constant>();
    const conditions = new Map<string, PolicyFile>();
    const definers = new Map<string, PolicyFile>();
    const take = (kind: "variables" | "conditions", name: string, from: PolicyFile): void => {
      const other = definers.get(`${kind} ${name}`);
      definers.set(`${kind} ${name}`, other ?? from);
      if (other === undefined) return;
      const at = other.document.problemAtKey([kind, name], "");
      const message = `${kind}.${name} has two meanings in ${file.name}: it is also defined at ${at.file}:${at.line}`;
      this.problems.push(from.document.problemAtKey([kind, name], message));
    };
    for (const from of file.visible) {
      for (const [name, constant] of Object.entries(from.text.variables ?? {})) {
        take("variables", name, from);
        constants.set(name, constant);
      }
      for (const name of Object.keys(from.text.conditions ?? {})) {
        take("conditions", name, from);
        conditions.set(name, from);
      }
    }
    const names = { constants, conditions };
    this.#names.set(file, names);
    return names;
  }

  #pattern(source: string): Pattern {
    let pattern = this.#patterns.get(source);
    if (!pattern) {
      pattern = readPattern(source);
      this.#patterns.set(source, pattern);
    }
    return pattern;
  }
}

/** An operation has the facts of one protocol: a condition that looks at two could never hold, and a `deny` rule would never deny. */
function expectOneProtocol({ uses }: CheckedCondition): void {
  const variables = [...uses].filter((name) => Object.hasOwn(protocolOf, name)).sort();
  if (variables.length > 1)
    throw new ConditionError(
      `the condition uses facts of several protocols (${variables.join(", ")}), and no operation has them all; write one for each`,
      0,
    );
}
