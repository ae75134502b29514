import {
  type AndOr,
  type BraceGroup,
  type Command as CommandNode,
  type ParsedScript,
  type Pipeline,
  parse as parseShell,
  type Redirection,
  type Redirect as RedirectNode,
  type Statement,
  type Subshell,
  type Word as WordNode,
} from "unbash";
import { CountersignError } from "../../outcome.ts";
import { Directory, joined } from "./directory.ts";
import { type RedirectToken, type Token, tokensOf, Unclear, type WordToken } from "./tokens.ts";

/** A redirect whose file, if it has one, is known. */
export interface Redirect {
  readonly operator: ">" | ">>" | "<";
  /** One digit, or empty. */
  readonly descriptor: string;
  /** The file; or with `copies` the descriptor that is copied, `-` to close. */
  readonly target: string;
  readonly copies: boolean;
  /** The file as it is meant where the shell opens it; undefined when that is not certain. */
  readonly path: string | undefined;
}

/** One simple command of static words. */
export interface Command {
  readonly text: string;
  /** The program and its arguments. */
  readonly words: readonly string[];
  readonly assignments: readonly { readonly name: string; readonly value: string }[];
  readonly redirects: readonly Redirect[];
  /** Where it runs: empty is where the login begins; undefined when that depends on whether an earlier `cd` worked. */
  readonly directory: string | undefined;
  /** Its standard input is what another command of the text writes. */
  readonly piped: boolean;
}

/** What a command inherits from what it stands in. */
interface Place {
  readonly directory: Directory;
  readonly depth: number;
  readonly piped: boolean;
}

const maxDepth = 10;

/**
 * Parses a command line.
 *
 * @throws {CountersignError} `invalid_operation` when it is not a command line.
 */
export function parse(text: string): ParsedScript {
  let script: ParsedScript;
  try {
    script = parseShell(text);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CountersignError("invalid_operation", "The command line nests too deeply. Write it with less nesting.");
  }
  const [problem] = script.errors ?? [];
  if (problem !== undefined) {
    throw new CountersignError(
      "invalid_operation",
      `The shell would not accept the command line: ${problem.message} at character ${problem.pos + 1}.`,
    );
  }
  return script;
}

/**
 * The commands of a text that is static from end to end, in order. The tokens (what all shells read alike) and the parser's tree must agree
 * on every byte: each word, operator and redirect is at the same place in both and says the same.
 *
 * @throws {Unclear} when anything is not static, not known, or read differently by the two.
 * @throws {CountersignError} as {@link parse} and {@link tokensOf}.
 */
export function commandsOf(text: string): readonly Command[] {
  const tokens = tokensOf(text);
  const script = parse(text);
  const reading = new Reading(text, tokens);
  reading.list(script.commands, { directory: new Directory(), depth: 0, piped: false });
  reading.finish();
  return reading.commands;
}

class Reading {
  readonly commands: Command[] = [];
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string, tokens: readonly Token[]) {
    this.#text = text;
    this.#tokens = tokens;
  }

  list(statements: readonly Statement[], place: Place): void {
    const { directory, depth } = place;
    if (depth > maxDepth)
      throw new CountersignError("invalid_operation", `Commands nest more than ${maxDepth} deep. Write them flat.`);
    this.#newlines();
    for (const [index, { command, background }] of statements.entries()) {
      if (index > 0 && !this.#separated) throw this.#disagreement();
      if (background) throw new Unclear("a command in the background (&)");
      const before = directory.changes;
      if (command.type === "AndOr") this.#andOr(command, place);
      else this.#pipeline(command, place);
      // What comes next runs whether a `cd` worked or not.
      directory.doubtSince(before);
      this.#optional(";");
      this.#newlines();
    }
  }

  finish(): void {
    if (this.#at !== this.#tokens.length) throw this.#disagreement();
  }

  #andOr({ commands, operators }: AndOr, place: Place): void {
    const { directory } = place;
    const before = directory.changes;
    for (const [index, element] of commands.entries()) {
      const operator = operators[index - 1];
      if (operator !== undefined) this.#join(operator);
      if (operator === "||") directory.doubtSince(before);
      this.#pipeline(element, place);
    }
  }

  #pipeline(node: Statement["command"], place: Place): void {
    const { directory } = place;
    if (node.type !== "Pipeline") {
      this.#command(node, place);
      return;
    }
    const before = directory.changes;
    const timed = this.#prefix(node);
    const inside = node.commands.length > 1 ? { ...place, directory: directory.inPipeline() } : place;
    for (const [index, element] of node.commands.entries()) {
      const operator = node.operators[index - 1];
      if (operator !== undefined) this.#join(operator);
      this.#command(element, { ...inside, piped: inside.piped || index > 0 }, index === 0 ? timed : undefined);
    }
    // `! cd x && ls` runs ls where x is not.
    if (node.prefixes.length > 0) directory.doubtSince(before);
  }

  /** `!`, or `time`, which is a keyword here and a program there; gives where `time` stands. */
  #prefix({ prefixes, commands: [first] }: Pipeline): number | undefined {
    const [prefix] = prefixes;
    if (prefix === undefined) return undefined;
    const { value, bare } = this.#take("word", prefix.pos);
    if (prefixes.length > 1 || !bare) throw this.#disagreement();
    if (prefix.type === "Negation" && value === "!") return undefined;
    const plain = first?.type === "Command" && first.prefix.length === 0 && first.name?.text.startsWith("-") === false;
    if (prefix.type !== "Time" || value !== "time" || prefix.posix || prefix.endOfOptions || !plain) {
      throw new Unclear("time before anything but a simple command means different things to shells");
    }
    return prefix.pos;
  }

  #command(node: Statement["command"], place: Place, timed?: number): void {
    const { command, redirects } = node.type === "Redirected" ? node : { command: node, redirects: [] };
    if (command.type === "Command") {
      this.#simple(command, place, timed);
      return;
    }
    if (command.type !== "Subshell" && command.type !== "BraceGroup") {
      throw new Unclear(`a shell construct that is not followed (${command.type})`);
    }
    const first = this.commands.length;
    const opened = place.directory.current;
    this.#group(command, place);
    const own = redirects.map((redirect) => this.#redirect(redirect, opened));
    if (own.length === 0) return;
    // Each command is decided alone, so that each carries what its group reads and writes.
    const inside = this.commands.splice(first).map((one) => ({ ...one, redirects: [...one.redirects, ...own] }));
    this.commands.push(...inside);
  }

  #group({ type, pos, body }: Subshell | BraceGroup, place: Place): void {
    const inside = { ...place, depth: place.depth + 1 };
    if (type === "Subshell") {
      this.#operator("(");
      this.list(body.commands, { ...inside, directory: place.directory.inSubshell() });
      this.#operator(")");
      return;
    }
    const open = this.#take("word", pos);
    this.list(body.commands, inside);
    const close = this.#take("word");
    if (!open.bare || open.value !== "{" || !close.bare || close.value !== "}") {
      throw this.#disagreement();
    }
  }

  #simple(node: CommandNode, { directory, piped }: Place, timed: number | undefined): void {
    const words: string[] = timed === undefined ? [] : ["time"];
    const assignments: { name: string; value: string }[] = [];
    const redirects: Redirect[] = [];
    for (const item of [...node.prefix, ...(node.name ? [node.name] : []), ...node.suffix]) {
      if (item.type === "Assignment") {
        const { value } = this.#take("word", item.pos, item.end);
        const plain = item.value.type === "Word" && !item.append && item.index === undefined && item.value.value;
        const sets = words.length === 0 || words[0] === "export";
        if (!sets || value !== `${item.name}=${plain}`) throw new Unclear("an assignment that is not plain");
        if (words.length === 0) assignments.push({ name: item.name, value: plain || "" });
        else words.push(value);
      } else if (item.type === "Word") words.push(this.#word(item));
      else redirects.push(this.#redirect(item, directory.current));
    }
    if (words.length === 0) throw new Unclear("an assignment or a redirect without a program");
    // What begins like an assignment is none only because of its quotes; shells do not agree on all of these.
    if (words[0]?.includes("=")) throw new Unclear("a program whose name holds =");
    const text = this.#text.slice(timed ?? node.pos, node.end);
    this.commands.push({ text, words, assignments, redirects, directory: directory.current, piped });
    directory.run(words);
  }

  #word(node: WordNode): string {
    const token = this.#take("word", node.pos, node.end);
    if (token.value !== node.value) throw this.#disagreement();
    // Braces alone open and close groups; zsh takes them for that wherever they stand.
    if (token.bare && (token.value === "{" || token.value === "}")) throw new Unclear("a brace that is no group");
    return token.value;
  }

  #redirect(node: Redirection, directory: string | undefined): Redirect {
    if (node.type !== "Redirect" || !node.target) throw new Unclear("a redirect that shells read differently");
    const token = this.#take("redirect", node.pos);
    const { descriptor, operator, copies } = token;
    if (!sameRedirect(node, token)) throw this.#disagreement();
    if (copies !== undefined) {
      if (node.target.value !== copies || node.end !== token.end) throw this.#disagreement();
      return { descriptor, operator, target: copies, copies: true, path: undefined };
    }
    const target = this.#word(node.target);
    // `a<1-5>b` is a pattern of numbers to zsh.
    if (/[<>]/.test(this.#text.charAt(node.target.end))) throw new Unclear("two redirects without a blank between them");
    return { descriptor, operator, target, copies: false, path: joined(directory, target) };
  }

  #take(kind: "word", start?: number, end?: number): WordToken;
  #take(kind: "redirect", start: number): RedirectToken;
  #take(kind: Token["kind"], start?: number, end?: number): Token {
    const token = this.#tokens[this.#at];
    if (token?.kind !== kind || token.start !== (start ?? token.start) || token.end !== (end ?? token.end))
      throw this.#disagreement();
    this.#at++;
    return token;
  }

  #join(operator: string): void {
    this.#operator(operator);
    this.#newlines();
  }

  #operator(text: string): void {
    if (!this.#optional(text)) throw this.#disagreement();
  }

  #optional(text: string): boolean {
    const token = this.#tokens[this.#at];
    const there = token?.kind === "operator" && token.text === text;
    if (there) this.#at++;
    return there;
  }

  #newlines(): void {
    while (this.#optional("\n"));
  }

  get #separated(): boolean {
    const before = this.#tokens[this.#at - 1];
    return before?.kind === "operator" && (before.text === ";" || before.text === "\n");
  }

  #disagreement(): Unclear {
    const at = this.#tokens[this.#at]?.start ?? this.#text.length;
    return new Unclear(`syntax that is not known to mean the same to all shells, at character ${at + 1}`);
  }
}

function sameRedirect(node: RedirectNode, { descriptor, operator, copies }: RedirectToken): boolean {
  const descriptorOf =
    node.descriptor === undefined ? "" : node.descriptor.type === "FileDescriptor" && String(node.descriptor.value);
  return descriptorOf === descriptor && node.operator === (copies === undefined ? operator : `${operator}&`);
}
