import type { Query } from "../request/query.ts";
import { refused } from "../request/refusal.ts";

/**
 * The value of a parameter that is given at most once; undefined when it is not.
 *
 * @throws {CountersignError} `invalid_operation` when it is repeated: API servers take the first, others the last.
 */
export function readSingle(query: Query, name: string): string | undefined {
  const values = Object.hasOwn(query.values, name) ? query.values[name] : undefined;
  if (values && values.length > 1) throw refused(`The parameter ${name} is given ${values.length} times.`);
  return values?.[0];
}

/**
 * A boolean parameter as API servers read it: only `0` and `false`, in any case, mean no; `stdin=no` and an empty value mean yes.
 * See `Convert_Slice_string_To_bool` in k8s.io/apimachinery/pkg/runtime/conversion.go.
 *
 * @throws {CountersignError} `invalid_operation` when it is repeated, or is not ASCII (Go folds `falſe` into `false`).
 */
export function readFlag(query: Query, name: string): boolean {
  const value = readSingle(query, name);
  if (value === undefined) return false;
  if (!/^[!-~]*$/.test(value)) throw refused(`The parameter ${name} is neither true nor false.`);
  return value !== "0" && value.toLowerCase() !== "false";
}
