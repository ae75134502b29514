import type { State } from "../api/model.ts";
import { stateWords } from "../display/request-words.ts";

/** A request's state, as a word with a colour and a shape: never by colour alone. */
export function StateBadge({ state }: { readonly state: State }) {
  const { label, tone } = stateWords[state];
  return <span className={`state state-${tone}`}>{label}</span>;
}
