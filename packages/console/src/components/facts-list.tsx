import { type Facts, sentences } from "../display/facts.ts";
import { Exact } from "../ui/exact.tsx";
import { Icon } from "../ui/icon.tsx";

/** What the statement does, in plain sentences; without the warnings where the page gives them above the statement. */
export function FactsList({ facts, withWarnings }: { readonly facts: Facts | undefined; readonly withWarnings: boolean }) {
  const said = sentences(facts).filter((one) => withWarnings || one.tone !== "danger");
  if (said.length === 0) return null;
  return (
    <section aria-labelledby="facts-heading" className="facts">
      <h2 id="facts-heading">What it does</h2>
      <ul>
        {said.map(({ tone, text }) => (
          <li key={text} className={`fact fact-${tone}`}>
            {tone === "danger" && <Icon name="warning" />}
            <Exact text={text} />
          </li>
        ))}
      </ul>
    </section>
  );
}
