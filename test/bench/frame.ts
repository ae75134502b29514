import { writeFileSync } from "node:fs";

/** One measured figure. */
export interface Metric {
  readonly bench: string;
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
  /** What is aimed at, e.g. `<= 1.2`; absent where the figure only explains others. */
  readonly target: string | null;
  readonly met: boolean | null;
}

/** A bound on a figure. */
export type Target = { readonly atMost: number } | { readonly atLeast: number };

/** Gathers a run's figures and tells what is going on. */
export class Report {
  readonly metrics: Metric[] = [];
  readonly #bench: string;

  constructor(bench: string) {
    this.#bench = bench;
  }

  /** Says what is being measured, on standard error. */
  progress(text: string): void {
    process.stderr.write(`${this.#bench}: ${text}\n`);
  }

  /** Adds a figure. */
  add(metric: string, value: number, unit: string, target?: Target): void {
    const met = target === undefined ? null : "atMost" in target ? value <= target.atMost : value >= target.atLeast;
    const bound = target === undefined ? null : "atMost" in target ? `<= ${target.atMost}` : `>= ${target.atLeast}`;
    this.metrics.push({ bench: this.#bench, metric, value, unit, target: bound, met });
  }
}

/** The table of a run's figures. */
export function table(metrics: readonly Metric[]): string {
  const rows = metrics.map((one) => [
    one.bench,
    one.metric,
    `${format(one.value)} ${one.unit}`,
    one.target ?? "",
    one.met === null ? "" : one.met ? "met" : "MISSED",
  ]);
  const all = [["bench", "metric", "value", "target", ""], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** Writes the figures as JSON. */
export function writeJson(file: string, metrics: readonly Metric[]): void {
  writeFileSync(file, `${JSON.stringify(metrics, null, 2)}\n`);
}

/** The value below which a share of the values lie, `share` from 0 to 1. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** The middle value. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

function format(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
