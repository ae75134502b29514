import { useState } from "react";
import type { EmergencyReview } from "../api/model.ts";
import { ActionDialog } from "../components/action-dialog.tsx";
import { LoadState } from "../components/load-state.tsx";
import { shownText } from "../display/exact-text.ts";
import { plural } from "../display/time.ts";
import { useReviews } from "../reviews.ts";
import { requestPath } from "../route.ts";
import { useMe, useServices, useTimedText } from "../services.ts";
import { Button } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { Exact, ExactHeadline } from "../ui/exact.tsx";
import { Link } from "../ui/link.tsx";
import { Notice } from "../ui/notice.tsx";
import { Page } from "../ui/page.tsx";
import { Ago, TimeLeft } from "../ui/time.tsx";

/** The reviews that emergencies require: open ones first, overdue ones loud. */
export function ReviewsPage() {
  const { api, announcer, clock } = useServices();
  const loaded = useReviews();
  const [closing, setClosing] = useState<EmergencyReview>();
  const reviews = loaded.value ?? [];
  const open = reviews.filter((one) => one.closedBy === "");
  const closed = reviews.filter((one) => one.closedBy !== "");
  const overdue = open.filter((one) => one.dueMs <= clock.now()).length;
  return (
    <Page title="Reviews" heading="Reviews of emergencies" className="standing-page">
      <p className="lead">Whatever somebody approved alone in an emergency is looked at afterwards by somebody else.</p>
      <LoadState loaded={loaded} />
      {overdue > 0 && (
        <Notice tone="danger" title={`${plural(overdue, "review")} overdue`}>
          <p>What ran without the usual votes was not looked at in time.</p>
        </Notice>
      )}
      {loaded.value !== undefined && open.length === 0 && (
        <Empty title="No review is open">
          {closed.length === 0 ? "There has been no emergency." : "All emergencies were reviewed."}
        </Empty>
      )}
      {open.length > 0 && (
        <section className="card-section" aria-label="Open reviews">
          <h2>Open</h2>
          <ul className="cards">
            {open.map((one) => (
              <OpenReview key={one.requestId} review={one} onClose={() => setClosing(one)} />
            ))}
          </ul>
        </section>
      )}
      {closed.length > 0 && (
        <section className="card-section" aria-label="Closed reviews">
          <h2>Closed</h2>
          <ul className="cards">
            {closed.map((one) => (
              <li key={one.requestId} className="card card-over">
                <Emergency review={one} />
                <p>
                  Closed by <Exact text={one.closedBy} />:{" "}
                  <q>
                    <Exact text={one.finding} />
                  </q>
                </p>
              </li>
            ))}
          </ul>
        </section>
      )}
      {closing && (
        <ActionDialog
          title="Close this review"
          reason={{ label: "What you found (recorded)", required: true, first: true }}
          confirm={{ label: "Close the review", look: "approve" }}
          onConfirm={async (finding) => {
            await api.closeReview(closing.requestId, finding);
            announcer.say("The review is closed");
            loaded.reload();
          }}
          onClose={() => setClosing(undefined)}
        >
          <p>
            Look at <Link href={requestPath(closing.requestId)}>the request</Link> and what became of it first. Was it an
            emergency, and was it right?
          </p>
        </ActionDialog>
      )}
    </Page>
  );
}

function OpenReview({ review, onClose }: { readonly review: EmergencyReview; readonly onClose: () => void }) {
  const me = useMe();
  const standing = useTimedText((nowMs) => (review.dueMs <= nowMs ? "overdue" : "open"));
  const own = review.by === me;
  return (
    <li className={standing === "overdue" ? "card card-grave" : "card card-due"}>
      <header>
        {standing === "overdue" ? (
          <p className="state state-bad">
            Overdue, was due <Ago ms={review.dueMs} />
          </p>
        ) : (
          <p className="state state-wait">
            Due: <TimeLeft untilMs={review.dueMs} />
          </p>
        )}
      </header>
      <Emergency review={review} />
      <p className="card-foot">
        <Link href={requestPath(review.requestId)}>The request</Link>
        {own ? (
          <span className="aside">You approved it: somebody else has to review it.</span>
        ) : (
          <Button aria-label={`Close the review of ${shownText(review.by)} on ${shownText(review.resource)}`} onPress={onClose}>
            Close…
          </Button>
        )}
      </p>
    </li>
  );
}

function Emergency({ review }: { readonly review: EmergencyReview }) {
  return (
    <>
      <h3>
        <Exact text={review.by} /> <span className="quiet">approved alone on</span> <Exact text={review.resource} />{" "}
        <span className="quiet">
          <Ago ms={review.timeMs} />
        </span>
      </h3>
      <code className="row-headline">
        <ExactHeadline headline={review.headline} />
      </code>
      <p>
        <q>
          <Exact text={review.reason} />
        </q>
      </p>
    </>
  );
}
