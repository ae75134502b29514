import type { CastVote, Detail } from "../api/model.ts";
import { boundWords, termsWords } from "../display/grant-words.ts";
import { stateWords } from "../display/request-words.ts";
import { moment, timeOfDay } from "../display/time.ts";
import { Exact } from "../ui/exact.tsx";

interface Happening {
  readonly timeMs: number;
  readonly tone: string;
  readonly what: string;
  readonly by: string;
  readonly comment: string;
  readonly vote?: CastVote;
}

/** What happened to the request so far, oldest first: votes and changes of state in one line of time. */
export function Activity({ detail }: { readonly detail: Detail }) {
  return (
    <section className="activity" aria-labelledby="activity-heading">
      <h2 id="activity-heading">What happened</h2>
      <ol>
        {happenings(detail).map((one) => (
          <li key={`${one.timeMs} ${one.what} ${one.by}`} className={`happening happening-${one.tone}`}>
            <time dateTime={new Date(one.timeMs).toISOString()} title={moment(one.timeMs)}>
              {timeOfDay(one.timeMs)}
            </time>
            <p>
              {one.what}
              {one.by !== "" && (
                <span className="aside">
                  {" · "}
                  <Exact text={one.by} />
                  {one.vote && <ActingFor people={one.vote.actingFor} />}
                </span>
              )}
              {one.vote?.breakGlass && <span className="mark-emergency">alone, in an emergency</span>}
              {one.vote?.grant && (
                <span className="vote-grant">
                  With a grant: {termsWords(one.vote.grant)}
                  {one.vote.grant.bounds.map(({ value, bound }) => (
                    <span key={value}>
                      {"; "}
                      <Exact text={`${value}: ${boundWords(bound)}`} />
                    </span>
                  ))}
                </span>
              )}
              {one.comment !== "" && (
                <q>
                  <Exact text={one.comment} />
                </q>
              )}
            </p>
          </li>
        ))}
      </ol>
    </section>
  );
}

function ActingFor({ people }: { readonly people: readonly string[] }) {
  if (people.length === 0) return null;
  return (
    <>
      , acting for <Exact text={people.join(", ")} />
    </>
  );
}

function happenings(detail: Detail): readonly Happening[] {
  const votes = detail.votes.map((vote) => ({
    timeMs: vote.timeMs,
    tone: vote.verdict === "approve" ? "good" : "bad",
    what: vote.verdict === "approve" ? "Vote to approve" : "Vote to deny",
    by: vote.approver.subject,
    comment: vote.comment,
    vote,
  }));
  const changes = detail.history.map(({ state, timeMs, by }) => ({
    timeMs,
    tone: stateWords[state].tone,
    what: state === "pending" ? "Asked and held" : stateWords[state].label,
    by,
    comment: "",
  }));
  // A vote comes before the change that it caused, also within one millisecond: the sort is stable.
  return [...votes, ...changes].sort((a, b) => a.timeMs - b.timeMs);
}
