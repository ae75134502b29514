import { CountersignError, classify, loadPolicy } from "@countersign/policy";
import { randomFrom, shellLine } from "../../conformance/shell-lines.ts";
import type { Random } from "../../harness/random.ts";

/** A rule that looks at everything an allow must look at, but does not say `opaque: true`. */
const policy = loadPolicy({
  "policy.yaml": `version: 1
rules:
  - id: anything
    effect: allow
    when: ssh.command != "" && (ssh.network || ssh.elevated || ssh.tty || true) && ssh.redirects.size() >= 0 && (ssh.piped || true) && ssh.directory != "x" && ssh.stdin != "x"
`,
});
const resource = { name: "web-1", type: "ssh", labels: {}, roles: ["ops"] };
const principal = { issuer: "i", subject: "s", groups: [], claims: {} };

/** What makes words into something else, in one shell or another. */
const sharp = [
  ...[
    "$(",
    ")",
    "`",
    "${",
    "}",
    "$((",
    "<(",
    ">(",
    "<<",
    "<<<",
    "&",
    "|&",
    ";;",
    "\\",
    "\\\n",
    "'",
    '"',
    "$'",
    '$"',
    "#",
    "!",
    "!!",
  ],
  ...[
    "~",
    "*",
    "?",
    "[a-z]",
    "{a,b}",
    "{1..9}",
    "=",
    "+=",
    "$IFS",
    "$0",
    "$@",
    "\r",
    "\t",
    "\v",
    "\f",
    "\u00a0",
    "\u2028",
    "\x1b",
    "é",
    "\u202e",
  ],
  ...[
    "if",
    "then",
    "fi",
    "for",
    "in",
    "do",
    "done",
    "case",
    "esac",
    "function",
    "eval",
    "exec",
    "source",
    ".",
    "time",
    "coproc",
    "[[",
    "]]",
  ],
];
/** Programs that start others, and options that make a harmless one do so. */
const hidden = [
  ...[
    "find . -exec sh {} ;",
    "xargs -I{} sh -c {}",
    "env -S 'sh -c id'",
    "awk 'BEGIN{system(\"id\")}'",
    "sed '1e id'",
    "tar --to-command=sh",
  ],
  ...[
    "git -c core.pager=sh log",
    "less +!sh",
    "vi -c ':!sh'",
    "ssh -o ProxyCommand=sh x",
    "nice sh",
    "timeout 1 sh",
    "sudo -s",
    "watch id",
    "sort --compress-program=sh",
  ],
];

/** Longest that one line may take, milliseconds: far more than it does, so that a busy machine is no failure. */
const mostMs = 1000;

/** How many lines were looked at, and of those, how many were understood. */
export interface Fuzzed {
  readonly lines: number;
  readonly clear: number;
}

/**
 * Classifies command lines nobody would write, and decides about them.
 *
 * @throws {Error} when one is allowed though it is opaque, is refused by anything but a CountersignError, says two things, or takes too long.
 */
export function fuzzCommands(random: Random, count: number): Fuzzed {
  const shell = randomFrom(random.below(2 ** 31));
  let clear = 0;
  for (let n = 0; n < count; n++) {
    const line = lineOf(random, shell);
    const wrong = problem(line);
    if (wrong !== undefined && wrong !== "clear") throw new Error(`${wrong}: ${JSON.stringify(line)}`);
    if (wrong === "clear") clear++;
  }
  return { lines: count, clear };
}

/** What is wrong with how a line is taken; `clear` when it was understood. */
function problem(command: string): string | undefined {
  const startMs = performance.now();
  try {
    const facts = classify({ kind: "ssh.exec", command }, { searchPath: [] });
    if (facts.protocol !== "ssh") return "no facts of a command";
    const decision = policy.decide({ resource, principal, facts, reason: "", nowMs: 0 });
    const all = [facts.ssh, ...(facts.parts ?? [])];
    if (performance.now() - startMs > mostMs) return "it takes too long";
    if (all.some(({ opaque }) => opaque) && decision.effect === "allow") return "allowed, though it is opaque";
    if (all.some(({ opaque, readOnly }) => opaque && readOnly)) return "read-only, though it is opaque";
    if (all.some(({ opaque, doubts }) => opaque !== doubts.length > 0)) return "opaque without a reason, or the other way round";
    const { opaque, argv } = facts.ssh;
    if (!opaque && argv.some((word) => word.includes("\0"))) return "a NUL in an argument";
    return opaque ? undefined : "clear";
  } catch (error) {
    return error instanceof CountersignError ? undefined : `${error}`;
  }
}

/** One line: as a shell's test has them, broken at random places, or put together of what is sharp. */
function lineOf(random: Random, shell: Parameters<typeof shellLine>[0]): string {
  const kind = random.below(5);
  if (kind === 0) return shellLine(shell);
  if (kind === 1) return mutated(random, shellLine(shell));
  if (kind === 2) return mutated(random, random.of(hidden) ?? "");
  if (kind === 3) return random.bytes(random.below(40)).toString();
  const words = Array.from({ length: 1 + random.below(8) }, () => random.of(random.below(3) === 0 ? hidden : sharp) ?? "");
  return words.join(random.of(["", " ", ";", "|", "\n", "&&"]) ?? " ");
}

function mutated(random: Random, line: string): string {
  let text = line;
  for (let times = 1 + random.below(3); times > 0; times--) {
    const at = random.below(text.length + 1);
    const gone = random.below(3) === 0 ? random.below(4) : 0;
    text = text.slice(0, at) + (random.below(4) === 0 ? "" : (random.of(sharp) ?? "")) + text.slice(at + gone);
  }
  return text;
}
