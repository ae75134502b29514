import { z } from "zod";

/** The most that a bundle may hold. */
export const caps = { bytes: 8 * 1024 * 1024, files: 256, signatures: 16 } as const;

/** The format, and the domain of its signatures. */
export const format = "countersign/policy-bundle/v1";

const digest = z.templateLiteral(["sha256:", z.string().regex(/^[0-9a-f]{64}$/)]);

/** Milliseconds since the Unix epoch. */
const time = z.int().min(0).max(8.64e15);

/** Each part of it a name by itself: nothing that leads elsewhere when a bundle is written to disk, nothing that looks like another name. */
const fileName = z
  .string()
  .max(255)
  .refine(
    (name) => name.split("/").every((part) => /^(?!\.{1,2}$|__proto__$)[A-Za-z0-9_@.][A-Za-z0-9_@.+ -]*$/.test(part)),
    "a file name holds letters, digits and `_ @ . + -`, in folders separated by `/`",
  );

const files = z
  .record(fileName, z.string())
  .refine((all) => Object.keys(all).length > 0, "there is no file")
  .refine((all) => Object.keys(all).length <= caps.files, `there are more than ${caps.files} files`);

const signature = z.strictObject({ keyId: digest, value: z.string().regex(/^[A-Za-z0-9_-]{86}$/) });

/** What is signed. */
const contentSchema = z.strictObject({
  format: z.literal(format),
  version: z.int().min(1),
  issuedMs: time,
  expiresMs: time.optional(),
  partial: z.boolean(),
  digest,
  files,
});

/** A bundle as it is stored. */
export const bundleSchema = contentSchema.extend({ signatures: z.array(signature).max(caps.signatures) });
