import { useEffect, useState } from "react";
import { ToggleButton } from "react-aria-components/ToggleButton";
import { ToggleButtonGroup } from "react-aria-components/ToggleButtonGroup";
import { explain } from "../api/explain.ts";
import type { Page as ListPage, State } from "../api/model.ts";
import { RequestRow } from "../components/request-row.tsx";
import { endedStates, stateWords } from "../display/request-words.ts";
import { useListKeys } from "../list-keys.ts";
import { useServices } from "../services.ts";
import { Button } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { Notice } from "../ui/notice.tsx";
import { Page } from "../ui/page.tsx";

const pageSize = 25;

/** The requests that are over, newest first. */
export function HistoryPage() {
  const [state, setState] = useState<State | "all">("all");
  // The tokens of the pages up to this one: the server only leads forward, this is the way back.
  const [tokens, setTokens] = useState<readonly string[]>([""]);
  const { page, failure, retry } = usePage(state, tokens.at(-1) ?? "");
  useListKeys();
  const filter = (keys: ReadonlySet<string | number>) => {
    const [key] = keys;
    setState(endedStates.find((one) => one === key) ?? "all");
    setTokens([""]);
  };
  return (
    <Page title="History" heading="History" className="history">
      <ToggleButtonGroup
        className="filter"
        aria-label="Show only"
        selectionMode="single"
        disallowEmptySelection
        selectedKeys={[state]}
        onSelectionChange={filter}
      >
        {(["all", ...endedStates] as const).map((one) => (
          <ToggleButton key={one} id={one} className="filter-button">
            {one === "all" ? "All" : stateWords[one].label}
          </ToggleButton>
        ))}
      </ToggleButtonGroup>
      {failure !== undefined && (
        <Notice tone="caution" title={explain(failure).title} live>
          <p>{explain(failure).detail}</p>
          <Button onPress={retry}>Try again</Button>
        </Notice>
      )}
      {page === undefined && failure === undefined && <p className="loading">Loading…</p>}
      {page !== undefined && <Results page={page} />}
      {page !== undefined && (tokens.length > 1 || page.nextPageToken !== "") && (
        <nav className="paging" aria-label="Pages of the history">
          <Button isDisabled={tokens.length === 1} onPress={() => setTokens(tokens.slice(0, -1))}>
            Newer
          </Button>
          <span>Page {tokens.length}</span>
          <Button isDisabled={page.nextPageToken === ""} onPress={() => setTokens([...tokens, page.nextPageToken])}>
            Older
          </Button>
        </nav>
      )}
    </Page>
  );
}

function Results({ page }: { readonly page: ListPage }) {
  if (page.requests.length === 0) {
    return <Empty title="Nothing here yet">Requests are listed here once they have ended.</Empty>;
  }
  return (
    <ul className="request-list" aria-label="Ended requests">
      {page.requests.map((request) => (
        <RequestRow key={request.id} request={request} />
      ))}
    </ul>
  );
}

function usePage(state: State | "all", pageToken: string) {
  const { api, session } = useServices();
  const [page, setPage] = useState<ListPage>();
  const [failure, setFailure] = useState<unknown>();
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const left = new AbortController();
    const states = state === "all" ? endedStates : [state];
    api.list({ states, pageSize, pageToken }, left.signal).then(
      (answer) => {
        setPage(answer);
        setFailure(undefined);
      },
      (error) => {
        if (left.signal.aborted) return;
        session.noticed(error);
        setFailure(error);
      },
    );
    return () => left.abort();
  }, [api, session, state, pageToken, attempt]);
  return { page, failure, retry: () => setAttempt(attempt + 1) };
}
