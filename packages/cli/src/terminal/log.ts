import { type Logger, pino } from "pino";
import { z } from "zod";
import { visible } from "./escape.ts";
import { type Format, paint, type Terminal } from "./terminal.ts";

/** The program's log, to standard error: one readable line each on a terminal, JSON otherwise. */
export function createLog(terminal: Terminal, level: string): Logger {
  const options = {
    level,
    base: null,
    formatters: { level: (label: string) => ({ level: label }) },
    timestamp: () => `,"time":"${new Date(terminal.now()).toISOString()}"`,
    // A last line of defence; nothing should log these in the first place.
    redact: { paths: ["*.password", "*.token", "*.authorization", "password", "token", "authorization"], censor: "[redacted]" },
  };
  if (terminal.stderr.isTTY !== true) return pino(options, terminal.stderr);
  return pino(options, { write: (record: string) => terminal.stderr.write(`${readable(terminal, record)}\n`) });
}

const recordShape = z.looseObject({
  level: z.enum(["debug", "info", "warn", "error", "fatal"]),
  time: z.string(),
  msg: z.string().default(""),
});

const levelFormats = { debug: "gray", info: "cyan", warn: "yellow", error: "red", fatal: "red" } as const satisfies Readonly<
  Record<string, Format>
>;

/** One record as a line. Log messages quote what agents sent, so nothing in them may act on the terminal. */
function readable(terminal: Terminal, record: string): string {
  const { level, time, msg, ...rest } = recordShape.parse(JSON.parse(record));
  const details = Object.entries(rest).map(
    ([key, value]) => ` ${key}=${typeof value === "string" ? visible(value) : visible(JSON.stringify(value))}`,
  );
  const dim = (text: string): string => paint(terminal.stderr, "gray", text);
  return `${dim(time.slice(11, 19))} ${paint(terminal.stderr, levelFormats[level], level.padEnd(5))} ${visible(msg)}${dim(details.join(""))}`;
}
