import type { Complaint } from "./server-message.ts";

/** What cannot be classified. */
export const notUnderstood = {
  code: "invalid_operation",
  message: "the statement could not be read.",
  retryable: false,
} as const;

/** Data that has to be seen before it is sent. */
export const copyNeedsQuery = {
  code: "invalid_operation",
  message:
    "a COPY … FROM STDIN that needs an approval has to be sent by the simple protocol (one Query), or its rule must say `input: unseen`.",
  retryable: false,
} as const;

/** An approval is used up. */
export const boundOnce = {
  severity: "ERROR",
  sqlstate: "42501",
  message: "Countersign: a portal that was approved is executed once",
  hint: "Bind it again: that asks anew.",
} as const;

/** As PostgreSQL says it. */
export function unknownStatement(name: string) {
  const message = name === "" ? "unnamed prepared statement does not exist" : `prepared statement "${name}" does not exist`;
  return { severity: "ERROR", sqlstate: "26000", message } as const;
}

/** What EXECUTE runs is decided where it stands. */
export function statementOfSql(name: string) {
  const message = `Countersign: "${name}" was prepared by SQL; run it by EXECUTE`;
  return { severity: "ERROR", sqlstate: "0A000", message } as const;
}

/** As PostgreSQL says it. */
export function unknownPortal(name: string) {
  return { severity: "ERROR", sqlstate: "34000", message: `portal "${name}" does not exist` } as const;
}

/** It would run what nobody has decided on. */
export function changedSince(name: string) {
  const message = `Countersign: what the portal "${name}" runs has changed since it was bound`;
  return { severity: "ERROR", sqlstate: "55000", message, hint: "Bind it again." } as const;
}

/** What FETCH reads is decided where it stands. */
export function cursorNeedsFetch(name: string) {
  return { severity: "ERROR", sqlstate: "0A000", message: `Countersign: "${name}" is a cursor; read it by FETCH` } as const;
}

/** A FunctionCall says nothing of what it runs. */
export const noCall: Complaint = {
  severity: "ERROR",
  sqlstate: "0A000",
  message: "Countersign: function calls by their number are refused",
  hint: "Call the function in a SELECT.",
};
/** Above the caps of the bounds. */
export const tooLarge: Complaint = {
  severity: "ERROR",
  sqlstate: "54000",
  message: "Countersign: the message is larger than is accepted",
};
/** Of `holdInTransaction: refuse`. */
export const notInTransaction = {
  code: "denied",
  message:
    "inside of a transaction nothing may wait for approval here, because locks would be held meanwhile. Send it outside of one.",
  retryable: false,
} as const;
