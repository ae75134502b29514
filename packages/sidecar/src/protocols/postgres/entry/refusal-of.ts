import { CountersignError, type ErrorCode } from "@countersign/policy";
import { isServerError } from "../codec.ts";
import { StartUpRefusal } from "./start-up-refusal.ts";

const sqlStates: Partial<Record<ErrorCode, string>> = {
  too_many_requests: "53300",
  shutting_down: "57P01",
  cancelled: "57014",
  revoked: "28000",
  target_unavailable: "57P03",
  target_credentials: "08004",
};

/** A class of what a server says against a setting: data exceptions, e.g. 22023 (invalid value). */
const aboutSetting = /^22/;

/** What a client that could not be let in is told; `undefined` for a defect of ours, of which it hears no more than that. */
export function refusalOf(error: unknown): StartUpRefusal | undefined {
  if (error instanceof StartUpRefusal) return error;
  if (!(error instanceof CountersignError)) return undefined;
  const { cause } = error;
  if (isServerError(cause) && aboutSetting.test(cause.code ?? ""))
    return new StartUpRefusal(cause.code ?? "", cause.message, cause.hint);
  const sqlState = sqlStates[error.code];
  return sqlState === undefined ? undefined : new StartUpRefusal(sqlState, error.message, undefined, { cause: error });
}

/** What is said of a defect. */
export const internalRefusal = new StartUpRefusal("XX000", "an internal error; the connection was not opened");
