import { useCallback, useState } from "react";
import type { ActiveLock, LockTarget } from "../api/model.ts";
import { ActionDialog } from "../components/action-dialog.tsx";
import { LoadState } from "../components/load-state.tsx";
import { LockDialog } from "../components/lock-dialog.tsx";
import { shownText } from "../display/exact-text.ts";
import { useLoaded } from "../loading.ts";
import { useServices } from "../services.ts";
import { Button } from "../ui/button.tsx";
import { Empty } from "../ui/empty.tsx";
import { Exact } from "../ui/exact.tsx";
import { Page } from "../ui/page.tsx";
import { Ago } from "../ui/time.tsx";

/** What is stopped altogether: agents, approvers, resources. */
export function LocksPage() {
  const { api, announcer } = useServices();
  const [open, setOpen] = useState<"lock" | ActiveLock>();
  const loaded = useLoaded(useCallback((signal: AbortSignal) => api.locks(signal), [api]));
  const close = () => setOpen(undefined);
  return (
    <Page title="Locks" heading="Locks" className="standing-page">
      <p className="lead">A lock stops an agent, an approver or a resource at once, whatever was approved before.</p>
      <p className="page-actions">
        <Button look="deny" onPress={() => setOpen("lock")}>
          Lock…
        </Button>
      </p>
      <LoadState loaded={loaded} />
      {loaded.value?.length === 0 && <Empty title="Nothing is locked">Locks are listed here until somebody lifts them.</Empty>}
      {loaded.value !== undefined && loaded.value.length > 0 && (
        <ul className="cards" aria-label="Locks in force">
          {loaded.value.map((lock) => (
            <LockCard key={lock.id} lock={lock} onLift={() => setOpen(lock)} />
          ))}
        </ul>
      )}
      {open === "lock" && (
        <LockDialog
          onConfirm={async (target, reason) => {
            await api.lock(target, reason);
            loaded.reload();
          }}
          onClose={close}
        />
      )}
      {open !== undefined && open !== "lock" && (
        <ActionDialog
          title="Lift this lock"
          reason={{ label: "Why (recorded)", required: true, first: true }}
          confirm={{ label: "Lift it", look: "approve" }}
          onConfirm={async (reason) => {
            await api.liftLock(open.id, reason);
            announcer.say("The lock is lifted");
            loaded.reload();
          }}
          onClose={close}
        >
          <p>
            {kindOf(open.target)} <Exact text={nameOf(open.target)} /> may be used again. What the lock ended stays ended.
          </p>
        </ActionDialog>
      )}
    </Page>
  );
}

function LockCard({ lock, onLift }: { readonly lock: ActiveLock; readonly onLift: () => void }) {
  const { target } = lock;
  return (
    <li className="card card-grave">
      <header>
        <h2>
          <span className="quiet">{kindOf(target)}</span> <Exact text={nameOf(target)} />
        </h2>
      </header>
      {target.type === "principal" && (
        <p className="aside">
          issuer <Exact text={target.issuer} />
        </p>
      )}
      <p>
        <Exact text={lock.reason} />
      </p>
      <p className="card-foot">
        <span>
          Locked by <Exact text={lock.by} /> <Ago ms={lock.createdMs} />
        </span>
        <Button aria-label={`Lift the lock on ${shownText(nameOf(target))}`} onPress={onLift}>
          Lift…
        </Button>
      </p>
    </li>
  );
}

const kinds = { principal: "Agent", approver: "Approver", resource: "Resource" } as const satisfies Record<
  LockTarget["type"],
  string
>;

function kindOf({ type }: LockTarget): string {
  return kinds[type];
}

function nameOf(target: LockTarget): string {
  return target.type === "resource" ? target.resource : target.subject;
}
