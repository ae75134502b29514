import { join } from "node:path";
import type { AuditLog } from "@countersign/audit";
import { loadParser, type RequestBook, type Revocations, type Vote, type Voter } from "@countersign/policy";
import { Alarm } from "./alarm.ts";
import { Approvals } from "./approvals.ts";
import { Changes } from "./changes.ts";
import { type Clock, steadyTime, systemClock } from "./clock.ts";
import { Delegations } from "./delegations.ts";
import { Dependents } from "./dependents.ts";
import { type Directory, unknownDirectory } from "./directory.ts";
import { Edits } from "./edits.ts";
import { Eligibility } from "./eligibility.ts";
import { EvidenceDesk } from "./evidence.ts";
import { Grants } from "./grants.ts";
import { dataFolder, type Keys } from "./keys.ts";
import { Ledger } from "./ledger.ts";
import { Locks } from "./locks.ts";
import { PastDecisions } from "./past-decisions.ts";
import { People } from "./people.ts";
import { recordedStanding } from "./recorded-standing.ts";
import type { ReminderTimes } from "./reminders.ts";
import { Requests } from "./requests.ts";
import { Resolving } from "./resolving.ts";
import { type ReviewParts, Reviews } from "./reviews.ts";
import { Revoking } from "./revoking.ts";
import { Signatures } from "./signatures.ts";
import { openSqliteStores } from "./stores/sqlite/stores.ts";
import type { Stores } from "./stores/stores.ts";
import { type Asked, tally } from "./tally.ts";

/** How an embedded control plane is put together. */
export interface EmbeddedOptions<Log extends AuditLog> {
  /** The data folder; made when it is not there. */
  readonly folder: string;
  readonly keys: Pick<Keys, "vote" | "payload">;
  /**
   * Opens the audit log. Called once the folder is locked for this process: two writers would fork the log. The log is closed after
   * the control plane if it can be disposed of.
   */
  readonly openLog: () => Promise<Log & Partial<AsyncDisposable>>;
  /** Who there is, and in which groups; without it what a sign-in says of somebody holds. */
  readonly directory?: Directory;
  /** When people are reminded of what waits; absent = never. */
  readonly reminders?: ReminderTimes | undefined;
  /** Told when somebody approves alone in an emergency, and when nobody has reviewed that in time. */
  readonly onEmergency?: ReviewParts["onEmergency"];
  /** The machine's clock unless a test drives its own. */
  readonly clock?: Clock;
  /** What is kept in `control.db` of the folder, unless a test explores what becomes of another store. */
  readonly openStores?: () => Promise<Stores>;
}

/** A control plane in this process. Structurally what a sidecar needs, and what the approvers' surfaces need. */
export interface EmbeddedControlPlane<Log extends AuditLog> extends AsyncDisposable {
  readonly requests: RequestBook;
  readonly audit: Log;
  readonly revocations: Revocations;
  readonly approvals: Approvals;
  readonly revoking: Revoking;
  readonly resolving: Resolving;
  readonly grants: Grants;
  readonly delegations: Delegations;
  readonly reviews: Reviews;
  readonly edits: Edits;
  readonly evidence: EvidenceDesk;
  readonly past: PastDecisions;
  /** Milliseconds since the Unix epoch that never go back; the sidecar should go by the same. */
  readonly now: () => number;
  /** Lets what has begun end, ends every watch, and gives the folder back. */
  close(): Promise<void>;
}

/**
 * Opens the control plane of a data folder for this process alone, and ends what expired while nobody was running.
 *
 * @throws {ControlPlaneError} `folder_in_use`, `folder_unsafe`, `store_too_new` or `store_damaged`.
 */
export async function openEmbeddedControlPlane<Log extends AuditLog>(
  options: EmbeddedOptions<Log>,
): Promise<EmbeddedControlPlane<Log>> {
  const { folder, keys, clock = systemClock, directory = unknownDirectory, onEmergency = () => {} } = options;
  const { openStores = () => openSqliteStores(join(folder, "control.db"), keys.payload) } = options;
  dataFolder(folder);
  // Which values of a statement a grant may bound is read from its parse tree.
  await loadParser();
  await using opening = new AsyncDisposableStack();
  const now = steadyTime(clock);
  const changes = new Changes();
  const { requests: store, standing, evidence } = opening.use(await openStores());
  const audit = await options.openLog();
  opening.defer(async () => audit[Symbol.asyncDispose]?.());
  const recorded = await recordedStanding(audit);
  const locks = await Locks.open(standing, { audit, now }, recorded.locks);
  const isLocked = (person: Voter) => locks.isLocked(person);
  const delegations = await Delegations.open(standing, { audit, now, directory, isLocked });
  const signatures = new Signatures(keys.vote);
  const verify = (vote: Vote) => signatures.isRight(vote);
  const progress = (request: Asked, votes: readonly Vote[]) => tally(request, votes, verify, isLocked);
  const { reminders } = options;
  const ledger = new Ledger({ store, reminders, audit, changes, now, noteWake: (wakeMs) => alarm.note(wakeMs), progress });
  opening.defer(() => ledger.idle());
  const alarm = opening.use(new Alarm({ clock, now, store, wake: (id) => ledger.wake(id) }));
  opening.defer(() => changes.close());
  await alarm.start();
  const eligibility = new Eligibility({ ledger, locks, people: new People(directory, delegations) });
  const grants = new Grants({ store: standing, audit, locks, now, verify });
  opening.defer(() => grants.idle());
  const reviews = opening.use(await Reviews.open({ store: standing, ledger, eligibility, clock, onEmergency }, recorded.reviews));
  const approvals = new Approvals(ledger, signatures, eligibility, grants, reviews);
  const requests = new Requests(ledger, locks, directory, grants);
  const dependents = opening.use(new Dependents({ ledger, locks, grants, clock }));
  dependents.resume();
  const open = opening.move();
  const close = () => open.disposeAsync();
  return {
    requests,
    edits: new Edits({ ledger, requests, eligibility }),
    evidence: new EvidenceDesk(ledger, evidence),
    past: new PastDecisions(store, verify),
    revocations: locks,
    revoking: new Revoking({ ledger, locks, grants, dependents }),
    resolving: new Resolving(ledger, eligibility),
    delegations,
    reviews,
    grants,
    audit,
    approvals,
    now,
    close,
    [Symbol.asyncDispose]: close,
  };
}
