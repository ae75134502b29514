import {
  CountersignError,
  composeChange,
  composeShellLine,
  directoryNamed,
  readShellLine,
  type ShellLine,
  type ShellSetting,
  withVariables,
} from "@countersign/policy";
import { printable } from "../entry/words.ts";
import type { LineEnd, LineOutput, LineWatcher } from "./line-runner.ts";
import type { LineSource } from "./line-source.ts";
import { endOf, type MarkKind, mark } from "./marks.ts";
import type { Terminal } from "./terminal.ts";

/** What a shell is made of. */
export interface ShellParts {
  /** Of the resource, for the prompt. */
  readonly name: string;
  readonly terminal: Pick<Terminal, "isPty" | "say" | "output" | "settle">;
  readonly source: LineSource;
  /** Earlier lines, oldest first; the source looks at them too. */
  readonly history: string[];
  /** Runs one line on the target, if it may. */
  readonly run: (command: string, watcher: LineWatcher, signal: AbortSignal) => Promise<LineEnd>;
  /** Told of every line that is acted on, and of those that wait. */
  readonly noted?: { readonly line: (text: string) => void; readonly mark: (text: string) => void };
}

const mostHistory = 200;
const mostNameBytes = 8 * 1024;

const help = `Every line is asked for by itself: allowed, held until people agree, or refused. Its commands have no terminal and no input.
cd DIR, export NAME=value, unset NAME, pwd, history, exit are the shell's own, in this plain form; directory and variables go with
every line, where approvers see them. Ctrl-C takes back what waits, and stops what runs. Lines that are pasted together run as one.`;

/** A login whose lines are commands of their own. It keeps a directory and variables between them, and nothing else. */
export class GuardedShell {
  readonly #parts: ShellParts;
  #setting: ShellSetting = { directory: "", variables: new Map() };
  #previous: string | undefined;
  #status = 0;
  #running: AbortController | undefined;
  #isOver = false;

  constructor(parts: ShellParts) {
    this.#parts = parts;
  }

  /** Whether a line runs or waits. */
  get isBusy(): boolean {
    return this.#running !== undefined;
  }

  /** Takes back the line that waits, or stops the one that runs. */
  interrupt(): void {
    this.#running?.abort("The client pressed Ctrl-C.");
  }

  /** No more lines: what runs may end. */
  finish(): void {
    this.#isOver = true;
    this.#parts.source.close();
  }

  /** @returns its exit status, when the client has ended it or it was told to {@link finish}. */
  async run(): Promise<number> {
    const { terminal } = this.#parts;
    if (terminal.isPty)
      this.#say("note", `A guarded shell on ${this.#parts.name}: every line is asked for by itself; \`help\` says more.`);
    while (!this.#isOver) {
      const text = await this.#read();
      if (text === undefined) break;
      const line = readShellLine(text);
      if (line.type === "exit") return line.status ?? this.#status;
      if (line.type !== "blank") await this.#act(text, line);
    }
    return this.#status;
  }

  /** The next whole line; a blank one where nothing came of it; undefined at the end. */
  async #read(): Promise<string | undefined> {
    let text = "";
    for (let prompt = this.#prompt(); ; prompt = "> ") {
      const given = await this.#parts.source.next(prompt);
      if (given.type === "ended") {
        if (text !== "") this.#refuse("The line does not end: nothing ran.");
        return undefined;
      }
      if (given.type === "interrupted") return "";
      if (given.type === "refused") {
        this.#refuse(given.why);
        return "";
      }
      text += text === "" ? given.text : `\n${given.text}`;
      if (given.type === "pasted" && !(await this.#agrees(text))) return "";
      if (readShellLine(text).type !== "unfinished") return text;
    }
  }

  /** What was pasted runs when whoever did it has seen all of it. */
  async #agrees(text: string): Promise<boolean> {
    const { terminal, source } = this.#parts;
    const lines = text.split("\n");
    terminal.say(lines.map((line) => `  | ${printable(line)}`).join("\n"));
    const question = `Run these ${lines.length} lines as one? y runs them, anything else drops them: `;
    const answer = await source.next(question, true);
    if (answer.type === "line" && /^\s*y(?:es)?\s*$/i.test(answer.text)) return true;
    this.#say("refused", "dropped: nothing ran");
    return false;
  }

  async #act(text: string, line: ShellLine): Promise<void> {
    const { terminal, history, noted } = this.#parts;
    noted?.line(text);
    if (!text.includes("\n") && history.at(-1) !== text) history.push(text);
    if (history.length > mostHistory) history.shift();
    switch (line.type) {
      case "refused":
        return this.#refuse(line.why);
      case "unfinished":
        return this.#refuse("The line does not end.");
      case "status":
        return this.#print(String(this.#status));
      case "history":
        return this.#print(history.map((one, index) => `${String(index + 1).padStart(5)}  ${one}`).join("\n"));
      case "help":
        return this.#print(help);
      case "pwd":
        // Only the target knows where a login begins.
        return this.#setting.directory === "" ? this.#command(text) : this.#print(this.#setting.directory);
      case "cd":
        return this.#change(line.to);
      case "export":
        return this.#export(line.variables);
      case "unset":
        return this.#unset(line.names);
      case "command":
        await this.#command(composeShellLine(this.#setting, text));
        if (/^\s*(?:cd|export|unset)\b/.test(text))
          terminal.say(
            this.#mark("note", "It was a command for the target: directory and variables of this shell are as before."),
          );
        return;
      case "blank":
      case "exit":
        throw new TypeError(`${line.type} is no line to act on`);
    }
  }

  async #command(command: string): Promise<void> {
    const end = await this.#run(command, (data, stream) => this.#parts.terminal.output(data, stream));
    if (end !== undefined) this.#say(end.kind, end.text);
  }

  async #change(to: string | undefined): Promise<void> {
    const target = to === "-" ? this.#previous : to;
    if (to === "-" && target === undefined) return this.#refuse("There was no directory before this one.");
    if (target === undefined || target === "") return this.#enter("");
    const printed: Buffer[] = [];
    let size = 0;
    const end = await this.#run(composeChange(this.#setting, target), (data, stream) => {
      if (stream === "stderr") return this.#parts.terminal.output(data, stream);
      size += data.length;
      if (size <= mostNameBytes) printed.push(Buffer.from(data));
      return undefined;
    });
    if (end === undefined) return;
    if (end.kind !== "ran") {
      this.#say(end.kind, `cd ${end.text}`);
      return;
    }
    const directory = size > mostNameBytes ? undefined : directoryNamed(Buffer.concat(printed).toString());
    if (directory === undefined)
      return this.#refuse("The target did not name the directory in one plain line; this shell stays where it is.");
    this.#enter(directory);
  }

  #enter(directory: string): void {
    this.#previous = this.#setting.directory;
    this.#keep({ ...this.#setting, directory });
  }

  #export(variables: readonly (readonly [name: string, value: string])[]): void {
    if (variables.length === 0) {
      const lines = [...this.#setting.variables].map(([name, value]) => `${name}=${value}`);
      if (lines.length > 0) this.#print(lines.join("\n"));
      return;
    }
    const next = withVariables(this.#setting, variables);
    if (next === undefined) this.#refuse("There are too many variables; unset some.");
    else this.#keep(next);
  }

  #unset(names: readonly string[]): void {
    const left = new Map(this.#setting.variables);
    for (const name of names) left.delete(name);
    this.#keep({ ...this.#setting, variables: left });
  }

  #keep(setting: ShellSetting): void {
    this.#setting = setting;
    this.#status = 0;
  }

  /** Runs a command and keeps its exit status; undefined when the caller is locked out. */
  async #run(command: string, output: LineOutput): Promise<ReturnType<typeof endOf> | undefined> {
    const { terminal, noted } = this.#parts;
    const running = new AbortController();
    this.#running = running;
    try {
      const watcher: LineWatcher = {
        output,
        pending: (approvalUrl) => {
          noted?.mark(`waiting for approval: ${approvalUrl}`);
          this.#say("waits", `waiting for approval: ${approvalUrl} (Ctrl-C takes it back)`);
        },
        approved: () => this.#say("note", "approved"),
        replaced: (why) => this.#say("note", why),
      };
      const end = endOf(await this.#parts.run(command, watcher, running.signal));
      terminal.settle();
      this.#status = end.status;
      return end;
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      this.#refuse(error.message);
      return undefined;
    } finally {
      this.#running = undefined;
    }
  }

  #prompt(): string {
    const { name, terminal } = this.#parts;
    const failed = this.#status === 0 ? "" : `[${this.#status}] `;
    const where = this.#setting.directory === "" ? "~" : this.#setting.directory;
    const text = `${name}:${where}`;
    return terminal.isPty ? `${failed}\x1b[1m${text}\x1b[0m$ ` : "";
  }

  /** What the shell's own commands answer. */
  #print(text: string): void {
    void this.#parts.terminal.output(Buffer.from(`${printable(text)}\n`), "stdout");
    this.#status = 0;
  }

  #refuse(why: string): void {
    this.#say("refused", why);
    this.#status = 126;
  }

  #say(kind: MarkKind, text: string): void {
    this.#parts.terminal.say(this.#mark(kind, text));
  }

  #mark(kind: MarkKind, text: string): string {
    return mark(kind, text, this.#parts.terminal.isPty);
  }
}
