import { expect } from "vitest";
import { installedPostgres } from "../harness/postgres.ts";
import { masks, secret } from "./masked-statements.ts";
import { type Answer, fieldsOf } from "./postgres-wire/raw-client.ts";

const limits = `limits: { masks: ${JSON.stringify(masks)} }`;
/** Everything is allowed, and masked; what names items waits for a person. */
export const policy = `version: 1
rules:
  - { id: masked, effect: allow, role: writer, opaque: true, ${limits} }
  - id: items-wait
    when: sql.tables.exists(t, t == "public.item")
    effect: review
    role: writer
    approval: { stages: [{ approvers: [group:dba] }] }
    ${limits}
`;
/** The same, cut at one row. */
export const few = policy.replaceAll("{ masks:", "{ rows: 1, masks:");
/** Nothing is masked. */
export const open = `version: 1\nrules:\n  - { id: open, effect: allow, role: writer }\n`;

/** Of the server. */
export const versions = installedPostgres() ? (["newest", "installed"] as const) : (["newest"] as const);

/** The letters of the answers. */
export const types = (answers: readonly Answer[]) => answers.map(({ type }) => type).join("");
/** What the first error says. */
export const error = (answers: readonly Answer[]) => fieldsOf(answers.find(({ type }) => type === "E"));

/** Neither the values nor, in binary, the numbers. */
export function expectHidden(answers: readonly Answer[]): void {
  const bytes = Buffer.concat(answers.map(({ body }) => body));
  expect(bytes.includes(secret)).toBe(false);
  expect(bytes.includes("90417")).toBe(false);
  expect(bytes.includes(Buffer.from([0, 1, 0x61, 0x31]))).toBe(false);
}

/** Values of DataRows, as text. */
export function rowsOf(answers: readonly Answer[]): readonly (readonly (string | null)[])[] {
  return answers
    .filter(({ type }) => type === "D")
    .map(({ body }) => {
      let at = 2;
      return Array.from({ length: body.readUInt16BE(0) }, () => {
        const length = body.readInt32BE(at);
        const start = at + 4;
        at = start + Math.max(length, 0);
        return length < 0 ? null : body.toString("utf8", start, at);
      });
    });
}
