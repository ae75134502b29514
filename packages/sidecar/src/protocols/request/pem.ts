import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";

/** A certificate: PEM text, or a file of it (relative to the configuration). */
export const certificateSchema = z.union([
  z.string().includes("-----BEGIN CERTIFICATE-----", "PEM text, or { file: PATH }"),
  z.strictObject({ file: z.string().min(1) }),
]);

/**
 * The text of a certificate.
 *
 * @throws {Error} when its file cannot be read.
 */
export function readCertificate(source: z.output<typeof certificateSchema>, folder: string): string {
  return typeof source === "string" ? source : readFileSync(resolve(folder, source.file), "utf8");
}
