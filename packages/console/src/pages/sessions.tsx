import { useCallback, useState } from "react";
import type { RecordedSession } from "../api/recording.ts";
import { LoadState } from "../components/load-state.tsx";
import { Recording } from "../components/recording.tsx";
import { shownText } from "../display/exact-text.ts";
import { duration } from "../display/time.ts";
import { useLoaded } from "../loading.ts";
import { useServices } from "../services.ts";
import { Button } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { Exact } from "../ui/exact.tsx";
import { Page } from "../ui/page.tsx";
import { Ago } from "../ui/time.tsx";

/** Recorded sessions in terminals, also those that waited for nobody. */
export function SessionsPage() {
  const { api } = useServices();
  const [shown, setShown] = useState<string>();
  const loaded = useLoaded(useCallback((signal: AbortSignal) => api.recordedSessions(signal), [api]));
  return (
    <Page title="Sessions" heading="Sessions" className="standing-page">
      <p className="lead">What happened in terminals, newest first. Those that go on can be watched, and cut.</p>
      <p className="page-actions">
        <Button onPress={loaded.reload}>Look again</Button>
      </p>
      <LoadState loaded={loaded} />
      {loaded.value?.length === 0 && <Empty title="Nothing is recorded yet">Sessions are listed here once there is one.</Empty>}
      {loaded.value !== undefined && loaded.value.length > 0 && (
        <ul className="cards" aria-label="Recorded sessions">
          {loaded.value.map((session) => (
            <SessionCard
              key={session.id}
              session={session}
              isShown={shown === session.id}
              onShow={(isShown) => setShown(isShown ? session.id : undefined)}
            />
          ))}
        </ul>
      )}
    </Page>
  );
}

const kinds: Readonly<Record<string, string>> = { terminal: "Terminal on", shell: "Guarded shell on", exec: "Command on" };

function SessionCard(props: {
  readonly session: RecordedSession;
  readonly isShown: boolean;
  readonly onShow: (isShown: boolean) => void;
}) {
  const { session, isShown } = props;
  const { id, kind, resource, subject, startedMs, end } = session;
  return (
    <li className={end === undefined ? "card card-grave" : "card"}>
      <header>
        <h2>
          <span className="quiet">{kinds[kind] ?? "Session on"}</span> <Exact text={resource} />{" "}
          <span className="quiet">for</span> <Exact text={subject} />
        </h2>
      </header>
      <p>{end === undefined ? "It goes on." : <Exact text={end.message} />}</p>
      <p className="card-foot">
        <span>
          Begun <Ago ms={startedMs} />
          {end !== undefined && <>, lasted {duration(end.durationMs)}</>}
        </span>
        <Button
          aria-expanded={isShown}
          aria-label={`${isShown ? "Hide" : "Show"} the session of ${shownText(subject)} on ${shownText(resource)}`}
          onPress={() => props.onShow(!isShown)}
        >
          {isShown ? "Hide" : "Show"}
        </Button>
      </p>
      {isShown && <Recording id={id} state={end === undefined ? "executing" : "succeeded"} />}
    </li>
  );
}
