import { useId, useState } from "react";
import type { Alike } from "../display/duplicates.ts";
import { Exact, ExactHeadline } from "../ui/exact.tsx";
import { StateBadge } from "../ui/state-badge.tsx";
import { Ago, Fuse, TimeLeft } from "../ui/time.tsx";
import { RequestRow, RowMarks } from "./request-row.tsx";

/** Several requests for the very same, shown once. Each is still decided by itself: open it to see them all. */
export function AlikeRows({ group }: { readonly group: Alike }) {
  const [open, setOpen] = useState(false);
  const listId = useId();
  const { requests } = group;
  const [first] = requests;
  const pending = first.state === "pending";
  const marked = requests.find((one) => one.brokeGlass) ?? requests.reduce((a, b) => (b.reminded > a.reminded ? b : a));
  return (
    <li className="request-row request-group">
      <button
        type="button"
        className="row-button"
        aria-expanded={open}
        aria-controls={listId}
        data-request={`group ${group.key}`}
        data-requests={requests.map(({ id }) => id).join(" ")}
        onClick={() => setOpen(!open)}
      >
        {pending && <Fuse fromMs={first.createdMs} untilMs={first.expiresMs} />}
        <span className="row-standing">
          {pending ? <TimeLeft untilMs={first.expiresMs} /> : <StateBadge state={first.state} />}
        </span>
        <code className="row-headline">
          <ExactHeadline headline={first.headline} />
        </code>
        <span className="row-meta">
          <span className="group-count">
            {requests.length.toLocaleString("en-US")} times the same <span aria-hidden="true">{open ? "▴" : "▾"}</span>
          </span>
          <span className="row-resource">
            <span className="visually-hidden">on </span>
            <Exact text={first.resource} />
          </span>
          <span>
            <span className="aside">from </span>
            <Exact text={first.principal.subject} />
          </span>
          <RowMarks request={marked} />
          <span className="row-when">
            <Ago ms={pending ? first.createdMs : first.changedMs} />
          </span>
        </span>
      </button>
      <ul id={listId} hidden={!open} aria-label="Each of them">
        {open && requests.map((request) => <RequestRow key={request.id} request={request} />)}
      </ul>
    </li>
  );
}
