import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError } from "./api/api-error.ts";
import type { Ballot } from "./api/client.ts";
import { explain } from "./api/explain.ts";
import type { Detail, Summary } from "./api/model.ts";
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
  /** Another change, whose error is the caller's to show. */
  readonly change: Change;
}

/**
 * Makes a change that gives the request anew, shows it, and says it to screen readers.
 *
 * @throws {ApiError}
 */
export type Change = (send: () => Promise<Detail>, said: string) => Promise<void>;

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

  const latestSummary = requests.get(id);
  const online = connection.state === "live";
  useEffect(() => {
    const shown = current.current?.summary;
    if (online && isAsShown(latestSummary, shown)) return;
    if (shown === undefined || online) void read(false);
  }, [online, latestSummary, read]);

  useEffect(() => feed.onTold(id, () => void read(false)), [feed, id, read]);

  const change = useCallback(
    async (send: () => Promise<Detail>, said: string) => {
      try {
        show(await send());
        setFailure(undefined);
        announcer.say(said);
      } catch (error) {
        session.noticed(error);
        if (explain(error).next === "refresh") void read(false);
        throw error;
      }
    },
    [session, announcer, show, read],
  );

  const vote = useCallback(
    async (ballot: Ballot) => {
      const said = ballot.verdict === "approve" ? "Your approval is recorded" : "Your denial is recorded";
      try {
        await change(() => api.vote(id, ballot), said);
        return true;
      } catch (error) {
        setFailure(
          error instanceof ApiError ? error : new ApiError("unreadable", "The vote could not be sent", { cause: error }),
        );
        return false;
      }
    },
    [api, id, change],
  );

  return { loaded, failure, refresh: () => void read(true), vote, change };
}

function isAsShown(latest: Summary | undefined, shown: Summary | undefined): boolean {
  if (latest === undefined || shown === undefined) return false;
  return shown.changedMs === latest.changedMs && shown.canVote === latest.canVote && shown.reviewDueMs === latest.reviewDueMs;
}

function spoken(detail: Detail): string {
  const words = detail.outcome === undefined ? "" : ` ${shownText(outcomeWords(detail.outcome))}`;
  return `${stateWords[detail.summary.state].label}. ${stateMeaning[detail.summary.state]}${words}`;
}
