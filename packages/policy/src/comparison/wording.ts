import type { Limits, Stage } from "../decision.ts";

const timeUnits = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
] as const;

const byteUnits = [
  ["GB", 1e9],
  ["GiB", 1024 ** 3],
  ["MB", 1e6],
  ["MiB", 1024 ** 2],
  ["kB", 1e3],
  ["KiB", 1024],
] as const;

/** Milliseconds as policy files write them: `1h30m`. */
export function durationWords(ms: number): string {
  let rest = ms;
  let words = "";
  for (const [unit, size] of timeUnits) {
    const count = Math.floor(rest / size);
    if (count > 0) words += `${count}${unit}`;
    rest -= count * size;
  }
  return words === "" ? "0s" : words;
}

/** Bytes as policy files write them: `10MB`, `512KiB`, or the plain number where no unit fits without a remainder. */
export function byteWords(bytes: number): string {
  const fitting = byteUnits.find(([, size]) => bytes >= size && bytes % size === 0);
  return fitting ? `${bytes / fitting[1]}${fitting[0]}` : String(bytes);
}

/** Limits in one line: `rows 1000, time 30s`; `none` where nothing is limited. */
export function limitWords({ rows, bytes, timeMs, masks }: Limits): string {
  const words = [
    ...(rows === undefined ? [] : [`rows ${rows}`]),
    ...(bytes === undefined ? [] : [`bytes ${byteWords(bytes)}`]),
    ...(timeMs === undefined ? [] : [`time ${durationWords(timeMs)}`]),
    ...(masks === undefined ? [] : [`masks ${masks.join(" ")}`]),
  ];
  return words.length === 0 ? "none" : words.join(", ");
}

/** Who has to agree, stage by stage: `2 of group:dba-oncall, then 1 of user:alice`. */
export function stageWords(stages: readonly Pick<Stage, "approvers" | "count">[]): string {
  return stages.map(({ approvers, count }) => `${count} of ${approvers.join(", ")}`).join(", then ");
}
