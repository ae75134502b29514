import { useCallback, useState } from "react";
import { ToggleButton } from "react-aria-components/ToggleButton";
import { ToggleButtonGroup } from "react-aria-components/ToggleButtonGroup";
import type { Grant } from "../api/model.ts";
import { ActionDialog } from "../components/action-dialog.tsx";
import { GrantCard } from "../components/grant-card.tsx";
import { LoadState } from "../components/load-state.tsx";
import { termsWords } from "../display/grant-words.ts";
import { useLoaded } from "../loading.ts";
import { useServices } from "../services.ts";
import { Button } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { Exact } from "../ui/exact.tsx";
import { Page } from "../ui/page.tsx";

/** What runs without asking again: standing approvals, and taking them back. */
export function GrantsPage() {
  const { api, announcer } = useServices();
  const [activeOnly, setActiveOnly] = useState(true);
  const [tokens, setTokens] = useState<readonly string[]>([""]);
  const [revoking, setRevoking] = useState<Grant>();
  const pageToken = tokens.at(-1) ?? "";
  const loaded = useLoaded(
    useCallback((signal: AbortSignal) => api.grants({ activeOnly, pageToken }, signal), [api, activeOnly, pageToken]),
  );
  const page = loaded.value;
  return (
    <Page title="Grants" heading="Grants" className="standing-page">
      <p className="lead">What agents may run again without asking, within bounds that people approved.</p>
      <ToggleButtonGroup
        className="filter"
        aria-label="Show only"
        selectionMode="single"
        disallowEmptySelection
        selectedKeys={[activeOnly ? "active" : "all"]}
        onSelectionChange={(keys) => {
          setActiveOnly(keys.has("active"));
          setTokens([""]);
        }}
      >
        <ToggleButton id="active" className="filter-button">
          In force
        </ToggleButton>
        <ToggleButton id="all" className="filter-button">
          All
        </ToggleButton>
      </ToggleButtonGroup>
      <LoadState loaded={loaded} />
      {page?.grants.length === 0 && (
        <Empty title={activeOnly ? "No grant is in force" : "There has been no grant yet"}>
          Where the rules permit it, a request's page offers to approve what is like it, too.
        </Empty>
      )}
      {page !== undefined && page.grants.length > 0 && (
        <ul className="cards" aria-label="Grants">
          {page.grants.map((grant) => (
            <GrantCard key={grant.id} grant={grant} onRevoke={() => setRevoking(grant)} />
          ))}
        </ul>
      )}
      {page !== undefined && (tokens.length > 1 || page.nextPageToken !== "") && (
        <nav className="paging" aria-label="Pages of grants">
          <Button isDisabled={tokens.length === 1} onPress={() => setTokens(tokens.slice(0, -1))}>
            Newer
          </Button>
          <span>Page {tokens.length}</span>
          <Button isDisabled={page.nextPageToken === ""} onPress={() => setTokens([...tokens, page.nextPageToken])}>
            Older
          </Button>
        </nav>
      )}
      {revoking && (
        <ActionDialog
          title="Revoke this grant"
          reason={{ label: "Why (recorded)", required: true, first: true }}
          confirm={{ label: "Revoke it", look: "deny" }}
          onConfirm={async (reason) => {
            await api.revokeGrant(revoking.id, reason);
            announcer.say("The grant is revoked");
            loaded.reload();
          }}
          onClose={() => setRevoking(undefined)}
        >
          <p>
            <Exact text={revoking.principal.subject} /> may use it no more: {revoking.used} of {termsWords(revoking.terms)} were
            taken. What runs by it now is asked to stop.
          </p>
        </ActionDialog>
      )}
    </Page>
  );
}
