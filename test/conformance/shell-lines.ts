/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Programs that exist in the tests: none is known to classification, so that any static arguments will do. */
export const stubs = ["p1", "p2", "q-x", "r_s", "t.u", "5p", "+v", "@w", "if2", "done1", "time_", "a:b", "x,y"];

/** Files that exist where the lines run. */
export const inputs = ["in1", "in 2", "3"];

const outputs = ["out1", "'out 2'", "out3", '"out\\4"', "9", "o\\ 5"];

const words = [
  ...[
    "a",
    "-rf",
    "--x=y",
    "a=b",
    "=",
    "{}",
    "!",
    "]",
    "[",
    "a,b",
    "a:b",
    "a@b",
    "%1",
    "1..3",
    "+",
    "-",
    "--",
    ":",
    ".",
    "..",
    "0",
    "12",
  ],
  ...[
    "''",
    '""',
    "'a b'",
    '"a b"',
    "'$HOME'",
    "'`id`'",
    "'*'",
    "'\\'",
    "'\\n'",
    "'a\nb'",
    "'#x'",
    "'!!'",
    "'~'",
    "'{a,b}'",
    "'\"'",
  ],
  ...[
    '"it\'s"',
    '"a\\"b"',
    '"\\$HOME"',
    '"\\`id\\`"',
    '"\\\\"',
    '"\\n"',
    '"\\!"',
    '"x$"',
    '"#"',
    '"*"',
    '"~"',
    '"{a,b}"',
    '"!x"',
    '"a\tb"',
  ],
  ...[
    "\\ ",
    "\\;",
    "\\&",
    "\\|",
    "\\$x",
    "\\`",
    "\\(",
    "\\)",
    "\\<",
    "\\>",
    "\\*",
    "\\?",
    "\\[",
    "\\~",
    "\\#",
    "\\!",
    "\\'",
    '\\"',
    "\\\\",
    "\\{",
    "\\}",
  ],
  ...[
    "a'b'c",
    "a\"b\"'c'",
    "'a'\\''b'",
    "a\\ b",
    "\\a\\b",
    "'é'",
    '"中文"',
    "'\u00a0'",
    "'\u3000 '",
    "'a'\"b\"",
    "x'='y",
    "'-n'",
    "\\-n",
    "if",
    "then",
    "do",
  ],
  ...[
    "fi",
    "done",
    "in",
    "case",
    "esac",
    "time",
    "function",
    "'{'",
    "'}'",
    "\\=p1",
    "'=p1'",
    "a'=p1'",
    "p1=p2",
    "'<1-2>'",
    "2",
    "'2'",
    "\\2",
  ],
];

const separators = [
  "; ",
  ";",
  "\n",
  " ;\n",
  "\n\n",
  " && ",
  "&&",
  " || ",
  "||",
  " | ",
  "|",
  " &&\n",
  " |\n ",
  " ||\n\n",
  ";\t",
  " \\\n && ",
  " # note ' \" $(\n",
  ";#x\n",
];

/** What a line is hurt with: signs and words that some shell reads in a way of its own. */
const hurts = [
  ..."'\"\\`$(){}[]<>&|;!#~*?=%^,:@+-0129a \t\n\r",
  ...["\u00a0", "\u3000", "\u0085", "\u2028", "\u0001", "\u007f", "é", "中", "\u200b", "\ufeff", "\u000b", "\u000c"],
  ...[
    "2>",
    ">&2",
    "&>",
    "\\\n",
    "$'",
    '$"',
    "<1-2>",
    "{a,b}",
    "{1..2}",
    " if ",
    " then ",
    " time ",
    " ! ",
    " [[ ",
    " ]] ",
    "=p1",
    " a=1 ",
    "repeat 2 ",
  ],
  ...[
    "noglob ",
    "- ",
    "function ",
    " do ",
    " done ",
    " { ",
    " } ",
    "; }",
    "coproc ",
    "((",
    "))",
    "<(",
    ">(",
    "<<",
    "<<<",
    "|&",
    ">|",
    "<>",
    ">!",
    "&|",
    "&!",
  ],
  ...[
    "#",
    " #",
    "\\#",
    "'#",
    "\\'",
    '\\"',
    "\\ ",
    " \\\n",
    "\\\r\n",
    "\r\n",
    "''",
    '""',
    "'\\''",
    "always",
    "nocorrect ",
    "exec ",
    "command ",
    "builtin ",
  ],
  ...[
    "2>&1",
    "1>&2",
    ">&-",
    "<&-",
    "10>",
    ">&10",
    "{fd}>",
    "2>&1-",
    " 2 > ",
    "p1",
    "p2 ",
    " -c ",
    "eval ",
    "~",
    "~+",
    "=",
    "==",
    "%%",
    "()",
    "() ",
    "(p2)",
  ],
];

/** One command line: mostly well-formed, often hurt in one to three places. */
export function shellLine(random: () => number): string {
  const pick = <T>(list: readonly T[]): T => {
    const chosen = list[Math.floor(random() * list.length)];
    if (chosen === undefined) throw new Error("nothing to choose from");
    return chosen;
  };
  const redirect = () => {
    const blank = pick(["", " ", "\t"]);
    return pick([
      `>${blank}${pick(outputs)}`,
      `>>${blank}${pick(outputs)}`,
      `2>${blank}${pick(outputs)}`,
      "2>&1",
      ">&2",
      `<${blank}in1`,
      "<'in 2'",
      "0<3",
      "2>/dev/null",
      "1>&2",
    ]);
  };
  const program = () => {
    const name = pick(stubs);
    return pick([name, name, name, `'${name}'`, `"${name}"`, `\\${name}`, `${name.slice(0, 1)}''${name.slice(1)}`]);
  };
  const command = (): string => {
    const items = [
      program(),
      ...Array.from({ length: Math.floor(random() * 4) }, () => (random() < 0.2 ? redirect() : pick(words))),
    ];
    if (random() < 0.1) items.unshift(pick([">out1", "2>&1", "LC_ALL=C", "TZ=UTC", "<in1"]));
    if (random() < 0.05) items.unshift("!");
    return items.join(pick([" ", " ", " ", "  ", "\t", " \\\n"]));
  };
  const list = (depth: number): string => {
    let text = "";
    for (let left = Math.floor(random() * 3); left >= 0; left--) {
      const group = depth < 2 && random() < 0.12;
      text += group
        ? pick([`(${list(depth + 1)})`, `{ ${list(depth + 1)}; }`, `( ${list(depth + 1)} ) >out1`, `{ ${list(depth + 1)}\n}`])
        : command();
      if (left > 0) text += pick(separators);
    }
    return text;
  };
  let line = list(0) + pick(["", "", "", ";", "\n", " ", " # end"]);
  if (random() < 0.6) {
    for (let left = Math.floor(random() * 3); left >= 0; left--) {
      const at = Math.floor(random() * (line.length + 1));
      line = line.slice(0, at) + pick(hurts) + line.slice(at + (random() < 0.4 ? 1 : 0));
    }
  }
  return line;
}
