import { moment } from "../display/time.ts";
import { useFeed, useSession } from "../services.ts";
import { Exact } from "../ui/exact.tsx";
import { Notice } from "../ui/notice.tsx";

/** More mistakes than these are counted; the first ones are where to begin. */
const shownProblems = 3;

// The time does not tick: a screen reader would read the whole notice again with each minute.

/** On every page: the policy's files were changed and cannot be used, so that the rules are not what their authors believe. */
export function PolicyNotice() {
  const signedIn = useSession().state === "signed-in";
  const { policy } = useFeed();
  if (!signedIn || policy === undefined || policy.failingSinceMs === 0) return null;
  const more = policy.problems.length - shownProblems;
  return (
    <section className="policy-notice" aria-label="Policy">
      <Notice tone="caution" title="The changed policy is not in force" live>
        <p>
          Its files cannot be used since{" "}
          <time dateTime={new Date(policy.failingSinceMs).toISOString()}>{moment(policy.failingSinceMs)}</time>. The last good
          policy goes on deciding.
        </p>
        <ul>
          {policy.problems.slice(0, shownProblems).map(({ file, line, column, message }) => (
            <li key={`${file}:${line}:${column}:${message}`}>
              <Exact text={`${file}:${line}:${column}: ${message}`} />
            </li>
          ))}
        </ul>
        {more > 0 && <p>And {more} more.</p>}
      </Notice>
    </section>
  );
}
