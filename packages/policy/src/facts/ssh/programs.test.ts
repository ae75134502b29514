import { expect, test } from "vitest";
import type { Commands, Program } from "./program.ts";
import { programs } from "./programs.ts";
import type { Usage } from "./usage.ts";

const rows: readonly (readonly [string, Program])[] = [...programs];

function usagesOf({ options, read, act = {} }: Commands): readonly Usage[] {
  const nested = Object.values(read).flatMap((usage) => ("read" in usage ? usagesOf(usage) : [usage]));
  return [...(options ? [options] : []), ...nested, ...Object.values(act)];
}

function list(usages: Program["reads"]): readonly Usage[] {
  if (usages === undefined || usages === "always") return [];
  return "length" in usages ? usages : [usages];
}

test.each(rows)(
  "%s: options are written as the notation says, and what is asked of them is about options that there are",
  (_, row) => {
    const usages = [
      ...list(row.reads),
      ...list(row.acts),
      ...(row.commands ? usagesOf(row.commands) : []),
      ...(row.runs ? [row.runs.usage] : []),
    ];
    for (const { options = "", needs = "", values = {}, every } of usages) {
      const names = options.split(" ").filter((name) => name !== "");
      expect(
        names.filter((name) => !/^(?:-[A-Za-z0-9]|-[A-Za-z0-9][\w.-]+|--[a-z][\w.-]*|\+\w+)(?::|=|=\?)?$/.test(name)),
      ).toEqual([]);
      const bare = names.map((name) => name.replace(/(?::|=|=\?)$/, ""));
      expect(bare.filter((name, index) => bare.indexOf(name) !== index)).toEqual([]);
      for (const name of [...needs.split(" ").filter((text) => text !== ""), ...Object.keys(values)])
        expect(bare).toContain(name);
      if (every) expect([options, needs]).toEqual(["", ""]);
    }
  },
);

test.each(rows.filter(([, row]) => row.runs))("%s: another program's meaning is kept", (_, row) => {
  // An option that takes a value unseen could swallow the name of the program.
  for (const name of (row.runs?.usage.options ?? "").split(" ").filter((text) => /[:=]$/.test(text))) {
    expect(Object.keys(row.runs?.usage.values ?? {})).toContain(name.replace(/[:=]$/, ""));
  }
});
