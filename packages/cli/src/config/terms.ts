import { parseDuration } from "@countersign/policy";
import { z } from "zod";

/** A path; relative ones start at the configuration's folder. */
export const filePath = z.string().min(1, "expected a path");

/** `host:port`; the host may be a name, an IPv4 address or an IPv6 address in brackets. */
export const address = z.string().regex(/^(\[[0-9a-f:.]+\]|[^\s:[\]/]+):\d{1,5}$/i, "expected an address like `127.0.0.1:7443`");

/** Who everybody is that can open a Unix socket. */
export const principal = z.strictObject({
  subject: z.string().min(1).max(256),
  groups: z.array(z.string().min(1).max(256)).max(100).default([]),
});

const longestDurationMs = 14 * 86_400_000;

/** A text like `30m` → milliseconds. */
export const duration = z.string().transform((text, context) => {
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined && milliseconds >= 1000 && milliseconds <= longestDurationMs) return milliseconds;
  context.addIssue({ code: "custom", message: "expected a duration like `90s`, `15m` or `2h`, from 1s to 14d" });
  return z.NEVER;
});
