import { z } from "zod";
import type { TerminalSize } from "../../../sessions/cast.ts";

/** `remotecommand.TerminalSize` of client-go, as it stands on the resize stream. */
const sizeSchema = z.object({ Width: z.int().min(0).max(65_535), Height: z.int().min(0).max(65_535) });

/** The size of a terminal; undefined for what is none. */
export function readSize(data: Buffer): TerminalSize | undefined {
  try {
    const { Width: columns, Height: rows } = sizeSchema.parse(JSON.parse(data.toString()));
    return { columns, rows };
  } catch {
    return undefined;
  }
}
