import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError } from "./api/api-error.ts";
import type { Ballot } from "./api/client.ts";
import { explain } from "./api/explain.ts";
import type { Detail } from "./api/model.ts";
import { shownText } from "./display/exact-text.ts";
import { outcomeWords, stateMeaning, stateWords } from "./display/request-words.ts";
import { useFeed, useServices } from "./services.ts";

/** One request, kept up to date by the inbox stream. */
export interface LiveRequest {
  /** Absent until it was read once. */
  readonly loaded: Detail | undefined;
  /** Why the last reading or vote did not succeed. */
  readonly failure: unknown;
  refresh(): void;
  /** Casts a vote. Gives whether it was accepted; otherwise `failure` says why. */
  vote(ballot: Ballot): Promise<boolean>;
}

/** Reads a request, and reads it again whenever the stream says that it changed or the connection came back. */
export function useRequest(id: string): LiveRequest {
  const { api, session, feed, announcer } = useServices();
  const { connection, requests } = useFeed();
  const [loaded, setLoaded] = useState<Detail>();
  const [failure, setFailure] = useState<unknown>();
  const latest = useRef(0);
  const current = useRef<Detail>(undefined);

  const show = useCallback(
    (detail: Detail) => {
      const before = current.current;
      // Answers can overtake each other; what is older than what is shown is of no use.
      if (before?.summary.id === detail.summary.id && before.summary.changedMs > detail.summary.changedMs) return;
      current.current = detail;
      setLoaded(detail);
      feed.learn(detail.summary);
      if (before !== undefined && before.summary.state !== detail.summary.state) announcer.say(spoken(detail));
    },
    [feed, announcer],
  );

  const read = useCallback(
    async (clear: boolean) => {
      const turn = ++latest.current;
      try {
        const detail = await api.request(id);
        if (turn !== latest.current) return;
        show(detail);
        if (clear) setFailure(undefined);
      } catch (error) {
        if (turn !== latest.current) return;
        session.noticed(error);
        setFailure(error);
      }
    },
    [api, session, id, show],
  );

  const change = requests.get(id);
  const online = connection.state === "live";
  useEffect(() => {
    const shown = current.current?.summary;
    if (online && change !== undefined && shown?.changedMs === change.changedMs && shown.canVote === change.canVote) return;
    if (shown === undefined || online) void read(false);
  }, [online, change, read]);

  const vote = useCallback(
    async (ballot: Ballot) => {
      try {
        show(await api.vote(id, ballot));
        setFailure(undefined);
        announcer.say(ballot.verdict === "approve" ? "Your approval is recorded" : "Your denial is recorded");
        return true;
      } catch (error) {
        session.noticed(error);
        setFailure(
          error instanceof ApiError ? error : new ApiError("unreadable", "The vote could not be sent", { cause: error }),
        );
        if (explain(error).next === "refresh") void read(false);
        return false;
      }
    },
    [api, session, announcer, id, show, read],
  );

  return { loaded, failure, refresh: () => void read(true), vote };
}

function spoken(detail: Detail): string {
  const words = detail.outcome === undefined ? "" : ` ${shownText(outcomeWords(detail.outcome))}`;
  return `${stateWords[detail.summary.state].label}. ${stateMeaning[detail.summary.state]}${words}`;
}
