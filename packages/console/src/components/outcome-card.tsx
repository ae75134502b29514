import type { Outcome } from "../api/model.ts";
import { outcomeWords, stateMeaning, stateWords } from "../display/request-words.ts";
import { Exact } from "../ui/exact.tsx";

/** How the request ended. */
export function OutcomeCard({ outcome }: { readonly outcome: Outcome }) {
  const { label, tone } = stateWords[outcome.state];
  const words = outcomeWords(outcome);
  return (
    <section className={`outcome outcome-${tone}`} aria-labelledby="outcome-heading">
      <h2 id="outcome-heading">{label}</h2>
      <p>{stateMeaning[outcome.state]}</p>
      {words !== "" && (
        <p className="outcome-words">
          <Exact text={words} />
        </p>
      )}
      {outcome.error && (
        <p className="outcome-error">
          <Exact text={outcome.error.message} />{" "}
          <code>
            {outcome.error.code}
            {outcome.error.targetCode !== "" && ` · ${outcome.error.targetCode}`}
          </code>
        </p>
      )}
      {outcome.logIndex !== undefined && (
        <p className="outcome-proof">Recorded in the audit log as record {outcome.logIndex.toLocaleString("en-US")}.</p>
      )}
    </section>
  );
}
