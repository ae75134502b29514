import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { Input } from "react-aria-components/Input";
import { SearchField } from "react-aria-components/SearchField";
import { explain } from "../api/explain.ts";
import type { Summary } from "../api/model.ts";
import { AlikeRows } from "../components/alike-rows.tsx";
import { NotifyButton } from "../components/notify-button.tsx";
import { RequestRow } from "../components/request-row.tsx";
import { DelegationHint, OpenReviewsNotice } from "../components/standing-hints.tsx";
import { alike } from "../display/duplicates.ts";
import { headlineText } from "../display/headline.ts";
import { focusRequest, requestLinks, useListKeys } from "../list-keys.ts";
import { useFeed, useServices } from "../services.ts";
import { Button } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { Notice } from "../ui/notice.tsx";
import { Page } from "../ui/page.tsx";

/** What waits, first what waits for this person, the soonest to expire first. */
export function InboxPage() {
  const { connection, loaded, requests } = useFeed();
  const [search, setSearch] = useState("");
  const shown = useMemo(() => sorted([...requests.values()].filter((one) => matches(one, search))), [requests, search]);
  useListKeys();
  useReturningFocus(loaded);
  useKeptFocus(shown);
  const mine = shown.filter((one) => one.state === "pending" && one.canVote);
  const others = shown.filter((one) => one.state === "pending" && !one.canVote);
  const settled = shown.filter((one) => one.state !== "pending");
  return (
    <Page title="Inbox" heading="Inbox" className="inbox">
      <div className="list-tools">
        <SearchField aria-label="Search the inbox" value={search} onChange={setSearch}>
          <Input type="search" placeholder="Search operation, resource, agent or rule" />
        </SearchField>
        <NotifyButton />
      </div>
      {connection.state === "waiting" && (
        <Notice tone="caution" title="This list may be out of date" live>
          <p>{explain(connection.error).detail} It reconnects by itself.</p>
        </Notice>
      )}
      <OpenReviewsNotice />
      <DelegationHint />
      {!loaded && connection.state !== "waiting" && <p className="loading">Loading…</p>}
      {loaded && mine.length === 0 && (
        <Empty title={search === "" ? "Nothing waits for you" : "Nothing that waits for you matches"}>
          {search === ""
            ? "New requests appear here by themselves, as soon as an agent asks."
            : "Clear the search to see everything."}
        </Empty>
      )}
      <Section title="Waiting for you" requests={mine} />
      <Section title="Waiting for others" requests={others} />
      <Section title="Decided just now" requests={settled} />
    </Page>
  );
}

const step = 100;

function Section({ title, requests }: { readonly title: string; readonly requests: readonly Summary[] }) {
  const [limit, setLimit] = useState(step);
  const groups = useMemo(() => alike(requests), [requests]);
  if (requests.length === 0) return null;
  const id = `list-${title.toLowerCase().replaceAll(" ", "-")}`;
  return (
    <section aria-labelledby={id} className="request-section">
      <h2 id={id}>
        {title} <span className="section-count">{requests.length.toLocaleString("en-US")}</span>
      </h2>
      <ul className="request-list">
        {groups
          .slice(0, limit)
          .map((group) =>
            group.requests.length === 1 ? (
              <RequestRow key={group.requests[0].id} request={group.requests[0]} />
            ) : (
              <AlikeRows key={group.key} group={group} />
            ),
          )}
      </ul>
      {groups.length > limit && (
        <Button onPress={() => setLimit(limit + step)}>Show {Math.min(step, groups.length - limit)} more</Button>
      )}
    </section>
  );
}

function sorted(requests: Summary[]): readonly Summary[] {
  return requests.sort((a, b) =>
    a.state === "pending" && b.state === "pending"
      ? a.expiresMs - b.expiresMs || a.createdMs - b.createdMs
      : b.changedMs - a.changedMs,
  );
}

function matches(request: Summary, search: string): boolean {
  const text = [headlineText(request.headline), request.resource, request.principal.subject, request.id, ...request.rules]
    .join(" ")
    .toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}

/** Coming back from a request: the focus goes to its row, as if one had never left. */
function useReturningFocus(loaded: boolean): void {
  const { navigation } = useServices();
  useEffect(() => {
    if (!loaded || navigation.lastRequest === undefined) return;
    focusRequest(navigation.lastRequest);
    navigation.lastRequest = undefined;
  }, [loaded, navigation]);
}

/** When the row that has the focus moves to another list or goes away, the focus goes with it or to the row that took its place. */
function useKeptFocus(shown: readonly Summary[]): void {
  const held = useRef<{ id: string; index: number } | undefined>(undefined);
  useEffect(() => {
    const remember = () => {
      const focused = document.activeElement instanceof HTMLElement ? document.activeElement : document.body;
      const id = focused.dataset.request;
      held.current = id === undefined ? undefined : { id, index: requestLinks().indexOf(focused) };
    };
    document.addEventListener("focusin", remember);
    return () => document.removeEventListener("focusin", remember);
  }, []);
  useLayoutEffect(() => {
    if (held.current === undefined || document.activeElement !== document.body) return;
    const { id, index } = held.current;
    if (focusRequest(id)) return;
    const links = requestLinks();
    links[Math.min(index, links.length - 1)]?.focus();
  }, [shown]);
}
