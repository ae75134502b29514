import type { Detail } from "../api/model.ts";
import { Exact } from "../ui/exact.tsx";
import { Link } from "../ui/link.tsx";
import { Notice } from "../ui/notice.tsx";
import { TimeLeft } from "../ui/time.tsx";

/** Somebody approved this alone in an emergency: who, why, and whether it was reviewed. */
export function EmergencyNotice({ detail }: { readonly detail: Detail }) {
  const { brokeGlass, reviewDueMs } = detail.summary;
  if (!brokeGlass) return null;
  const vote = detail.votes.find((one) => one.breakGlass);
  return (
    <Notice
      tone="danger"
      title={<>{vote ? <Exact text={vote.approver.subject} /> : "Somebody"} approved this alone, in an emergency</>}
    >
      {vote && vote.comment !== "" && (
        <p>
          <q>
            <Exact text={vote.comment} />
          </q>
        </p>
      )}
      {reviewDueMs === undefined ? (
        <p>No review of it is open.</p>
      ) : (
        <p>
          <Link href="/reviews">Its review</Link> is still open: <TimeLeft untilMs={reviewDueMs} />.
        </p>
      )}
    </Notice>
  );
}
