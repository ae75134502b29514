import { useCallback } from "react";
import type { Delegation } from "../api/model.ts";
import { moment, plural } from "../display/time.ts";
import { useLoaded } from "../loading.ts";
import { useReviews } from "../reviews.ts";
import { useMe, useServices, useTimedText } from "../services.ts";
import { Exact } from "../ui/exact.tsx";
import { Link } from "../ui/link.tsx";
import { Notice } from "../ui/notice.tsx";

/** Emergencies that nobody has reviewed yet, above everything that waits. */
export function OpenReviewsNotice() {
  const reviews = useReviews().value ?? [];
  const open = reviews.filter((one) => one.closedBy === "");
  const overdue = useTimedText((nowMs) => String(open.filter((one) => one.dueMs <= nowMs).length));
  if (open.length === 0) return null;
  return (
    <Notice
      tone={overdue === "0" ? "caution" : "danger"}
      title={`${plural(open.length, "emergency", "emergencies")} without a review${overdue === "0" ? "" : `, ${overdue} overdue`}`}
    >
      <p>
        <Link href="/reviews">Look at the reviews</Link>
      </p>
    </Notice>
  );
}

/** Who decides for this person, and for whom this person decides: whoever waits for a vote should know. */
export function DelegationHint() {
  const { api } = useServices();
  const me = useMe();
  const all = useLoaded(useCallback((signal: AbortSignal) => api.delegations(signal), [api])).value ?? [];
  const inForce = useTimedText((nowMs) =>
    all.flatMap(({ id, fromMs, untilMs }) => (fromMs <= nowMs && nowMs < untilMs ? [id] : [])).join(" "),
  ).split(" ");
  const mine = all.filter((one) => inForce.includes(one.id) && (one.from === me || one.to === me));
  if (mine.length === 0) return null;
  return (
    <div className="delegation-hint">
      {mine.map((one) => (
        <p key={one.id}>
          <Hint delegation={one} isTo={one.to === me} /> until {moment(one.untilMs)}.
        </p>
      ))}
      <Link href="/delegations">Delegations</Link>
    </div>
  );
}

function Hint({ delegation, isTo }: { readonly delegation: Delegation; readonly isTo: boolean }) {
  return isTo ? (
    <>
      You decide for <Exact text={delegation.from} />
    </>
  ) : (
    <>
      <Exact text={delegation.to} /> decides for you
    </>
  );
}
