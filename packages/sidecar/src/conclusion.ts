import type { Dispatched } from "./dispatch.ts";
import { clearUp, type DoubtParts } from "./doubt.ts";
import { recordOnce } from "./recorded-outcome.ts";

/**
 * Writes down how a dispatch ended: what could not be recorded yet, then the request's end, each as soon as it can be, and once. What is in doubt
 * is cleared up from then on. Resolves after the first try.
 *
 * @param settle - Ends the stored request, where there is one.
 */
export function conclude(
  { unrecorded, doubt }: Pick<Dispatched, "unrecorded" | "doubt">,
  parts: DoubtParts,
  settle: () => Promise<unknown> = async () => {},
): Promise<void> {
  return parts.persistence.attempt(
    async () => {
      if (unrecorded !== undefined) await recordOnce(parts, unrecorded);
    },
    settle,
    async () => {
      if (doubt !== undefined) clearUp(doubt, parts);
    },
  );
}
