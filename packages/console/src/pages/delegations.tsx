import { useCallback, useState } from "react";
import type { Delegation } from "../api/model.ts";
import { ActionDialog } from "../components/action-dialog.tsx";
import { DelegateDialog } from "../components/delegate-dialog.tsx";
import { LoadState } from "../components/load-state.tsx";
import { shownText } from "../display/exact-text.ts";
import { moment } from "../display/time.ts";
import { useLoaded } from "../loading.ts";
import { useMe, useServices, useTimedText } from "../services.ts";
import { Button } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { Exact } from "../ui/exact.tsx";
import { Page } from "../ui/page.tsx";

/** Who decides for whom while somebody is away. */
export function DelegationsPage() {
  const { api, announcer } = useServices();
  const me = useMe();
  const [open, setOpen] = useState<"delegate" | Delegation>();
  const loaded = useLoaded(useCallback((signal: AbortSignal) => api.delegations(signal), [api]));
  const all = loaded.value ?? [];
  const close = () => setOpen(undefined);
  const lists = [
    ["Yours, given to others", all.filter((one) => one.from === me)],
    ["Others', given to you", all.filter((one) => one.to === me && one.from !== me)],
    ["Between others", all.filter((one) => one.to !== me && one.from !== me)],
  ] as const;
  return (
    <Page title="Delegations" heading="Delegations" className="standing-page">
      <p className="lead">
        While you are away somebody else can decide in your place. They still count as one person, and you stay excluded from what
        your own agents ask.
      </p>
      <p className="page-actions">
        <Button onPress={() => setOpen("delegate")}>Delegate…</Button>
      </p>
      <LoadState loaded={loaded} />
      {loaded.value?.length === 0 && <Empty title="Nobody has delegated">Everybody decides for themselves.</Empty>}
      {lists.map(
        ([title, delegations]) =>
          delegations.length > 0 && (
            <section key={title} className="card-section" aria-label={title}>
              <h2>{title}</h2>
              <ul className="cards">
                {delegations.map((one) => (
                  <DelegationCard
                    key={one.id}
                    delegation={one}
                    onEnd={one.from === me || one.to === me ? () => setOpen(one) : undefined}
                  />
                ))}
              </ul>
            </section>
          ),
      )}
      {open === "delegate" && (
        <DelegateDialog
          onConfirm={async (wish) => {
            await api.delegate(wish);
            announcer.say("Delegated");
            loaded.reload();
          }}
          onClose={close}
        />
      )}
      {open !== undefined && open !== "delegate" && (
        <ActionDialog
          title="End this delegation"
          confirm={{ label: "End it now", look: "deny" }}
          onConfirm={async () => {
            await api.endDelegation(open.id);
            announcer.say("The delegation has ended");
            loaded.reload();
          }}
          onClose={close}
        >
          <p>
            <Exact text={open.to} /> decides no more in the place of <Exact text={open.from} />.
          </p>
        </ActionDialog>
      )}
    </Page>
  );
}

function DelegationCard(props: { readonly delegation: Delegation; readonly onEnd: (() => void) | undefined }) {
  const { from, to, fromMs, untilMs, reason } = props.delegation;
  const standing = useTimedText((nowMs) => (fromMs > nowMs ? "Begins later" : untilMs <= nowMs ? "Ended" : "In force"));
  return (
    <li className={standing === "In force" ? "card" : "card card-over"}>
      <header>
        <h3>
          <Exact text={to} /> <span className="quiet">decides for</span> <Exact text={from} />
        </h3>
        <span className={standing === "In force" ? "state state-go" : "state state-quiet"}>{standing}</span>
      </header>
      <p>
        From {moment(fromMs)} until {moment(untilMs)}
      </p>
      {reason !== "" && (
        <p className="aside">
          <Exact text={reason} />
        </p>
      )}
      {props.onEnd && (
        <p className="card-foot">
          <Button aria-label={`End the delegation from ${shownText(from)} to ${shownText(to)}`} onPress={props.onEnd}>
            End…
          </Button>
        </p>
      )}
    </li>
  );
}
