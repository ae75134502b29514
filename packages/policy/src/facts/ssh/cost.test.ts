import { expect, test } from "vitest";
import { CountersignError } from "../../outcome.ts";
import { classifySsh } from "../ssh.ts";

/** What a text costs this thread, the best of three runs with texts that differ, in milliseconds: other work on the machine does not count. */
function cost(text: string): number {
  const times = [1, 2, 3].map((run) => {
    const command = `${text} ${run}`;
    const start = process.threadCpuUsage();
    try {
      classifySsh({ kind: "ssh.exec", command });
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
    }
    const { user, system } = process.threadCpuUsage(start);
    return (user + system) / 1000;
  });
  return Math.min(...times);
}

const full = 32 * 1024;
const units = [
  ...[
    "( ",
    "{ ",
    "((",
    "(",
    "$(",
    "${",
    "`",
    "'",
    '"',
    '"a"',
    "'a'",
    '""',
    "\\",
    "\\ ",
    " \\\n",
    "\n",
    "a",
    "a ",
    "a;",
    "a|",
    "a&&",
    "! ",
    ">a ",
    "2>&1 ",
  ],
  ...[
    "#\n",
    "# ",
    "$${",
    "<<a\n",
    "if ",
    "case a in ",
    "a() ",
    "{a,",
    "[a",
    "=",
    "a=1 ",
    "1",
    "-",
    "--a=",
    "/",
    "../",
    "a/../",
    "é",
    "'é",
    '"\\\\',
    "time ",
  ],
  ...["[[ ", "(case a in ", "`{", "<(", "a[", "$((", "&", "|", ";", "~", "*", "{}", "{} "],
];

test("no text holds the event loop", () => {
  const slow = units.flatMap((unit) =>
    [unit, `ls ${unit}`, `ls '${unit}`].flatMap((start) =>
      [2000, full - 200].map(
        (length) => [cost(start + unit.repeat(Math.ceil(length / unit.length)).slice(0, length)), unit, length] as const,
      ),
    ),
  );
  // The promise is 50 ms; the machine that runs this may be busy.
  expect(slow.filter(([time]) => time > 50)).toEqual([]);
});

test("no argument of a program that is looked into holds the event loop", () => {
  const programs = [
    "sed -n",
    "awk",
    "printf",
    "find . -name",
    "find",
    "curl -H",
    "[ ",
    "expr",
    "ss",
    "lsof",
    "env",
    "sudo",
    "tar",
    "grep -e",
    "jq",
    "ip a",
  ];
  const slow = programs.flatMap((program) =>
    ["[", "a/", "s/a/", "/[", "\\a", "%", "{", "|", "p;", "1,", "a b ", "%5", "-1", "=", "..", "../", ":", "s/[a]/b/;"].map(
      (unit) => {
        const script = unit.repeat(Math.floor((full - 200) / unit.length)).replaceAll("'", "");
        return [cost(`${program} '${script}'`), program, unit] as const;
      },
    ),
  );
  expect(slow.filter(([time]) => time > 50)).toEqual([]);
});
