import type { PastDecision } from "../api/model.ts";
import { requestPath } from "../route.ts";
import { Exact } from "../ui/exact.tsx";
import { Link } from "../ui/link.tsx";
import { StateBadge } from "../ui/state-badge.tsx";
import { Ago } from "../ui/time.tsx";

/** How requests of the same form ended before. A hint, not a reason: their values may have been others. */
export function PastDecisions({ past }: { readonly past: readonly PastDecision[] }) {
  if (past.length === 0) return null;
  return (
    <section className="past" aria-labelledby="past-heading">
      <h2 id="past-heading">Decided before</h2>
      <p className="aside">Operations of the same form; their values may have been others.</p>
      <ul>
        {past.map(({ id, state, subject, votes, createdMs }) => (
          <li key={id}>
            <StateBadge state={state} />
            <span>
              <Link href={requestPath(id)}>
                <Ago ms={createdMs} />
              </Link>{" "}
              <span className="aside">from </span>
              <Exact text={subject} />
            </span>
            <span className="past-votes">
              {votes.length === 0 ? <span className="aside">no votes</span> : <Exact text={votes.join(", ")} />}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
