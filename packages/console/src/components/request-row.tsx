import type { Ref } from "react";
import type { Summary } from "../api/model.ts";
import { plural } from "../display/time.ts";
import { requestPath } from "../route.ts";
import { Exact, ExactHeadline } from "../ui/exact.tsx";
import { Link } from "../ui/link.tsx";
import { StateBadge } from "../ui/state-badge.tsx";
import { Ago, Fuse, TimeLeft } from "../ui/time.tsx";

/** One request in a list: enough to choose which to open, not enough to decide. */
export function RequestRow({ request, ref }: { readonly request: Summary; readonly ref?: Ref<HTMLAnchorElement> }) {
  const pending = request.state === "pending";
  return (
    <li className={`request-row${pending ? "" : " request-row-ended"}`}>
      <Link href={requestPath(request.id)} data-request={request.id} {...(ref ? { ref } : {})}>
        {pending && <Fuse fromMs={request.createdMs} untilMs={request.expiresMs} />}
        <span className="row-standing">
          {pending ? <TimeLeft untilMs={request.expiresMs} /> : <StateBadge state={request.state} />}
        </span>
        <code className="row-headline">
          <ExactHeadline headline={request.headline} />
        </code>
        <span className="row-meta">
          <span className="row-resource">
            <span className="visually-hidden">on </span>
            <Exact text={request.resource} />
          </span>
          <span>
            <span className="aside">from </span>
            <Exact text={request.principal.subject} />
          </span>
          <span className="row-rules">
            <span className="visually-hidden">held by </span>
            <Exact text={request.rules.join(", ")} />
          </span>
          <RowMarks request={request} />
          <span className="row-when">
            <Ago ms={pending ? request.createdMs : request.changedMs} />
          </span>
        </span>
      </Link>
    </li>
  );
}

/** What is unusual about a request, in words. */
export function RowMarks({ request }: { readonly request: Summary }) {
  const { brokeGlass, reviewDueMs, reminded } = request;
  return (
    <>
      {brokeGlass && (
        <span className="mark-emergency">{reviewDueMs === undefined ? "emergency" : "emergency, not reviewed"}</span>
      )}
      {reminded > 0 && <span className="mark-reminded">reminded {plural(reminded, "time")}</span>}
    </>
  );
}
