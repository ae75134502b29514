import { hkdfSync } from "node:crypto";
import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { AuditLog } from "@countersign/audit";
import {
  Approvers,
  type Clock,
  developmentIdentity,
  type EmbeddedOptions,
  openEmbeddedControlPlane,
  openEmbeddedLog,
  openKeys,
  serveApprovers,
  serveConsole,
} from "@countersign/control";
import type { PolicyStatusFeed } from "@countersign/policy";
import {
  type GuardedResource,
  type OnStep,
  openHttpClients,
  openKubernetesClients,
  openPostgresClients,
  openSshClients,
  startSidecar,
} from "@countersign/sidecar";
import { agentIssuers, agentListeners, hostAndPort } from "./config/agents.ts";
import { httpListens, reachableHttp } from "./config/http-listeners.ts";
import { kubernetesListens, reachableKubernetes } from "./config/kubernetes-listeners.ts";
import type { Config } from "./config/load.ts";
import { bareSocketNames, postgresListens, reachable } from "./config/postgres-listeners.ts";
import { reachableSsh, sshListens } from "./config/ssh-listeners.ts";
import { type Addresses, addressesFile } from "./instance.ts";
import { logOrigin } from "./log-origin.ts";
import { serveOperator } from "./operator-socket.ts";
import { recordStart, recordStop } from "./process-records.ts";
import { openResources } from "./resources.ts";
import { socketFolder, socketPath } from "./run-folder.ts";
import { followPolicy, readFirstPolicy } from "./running-policy.ts";

/** What the composition takes besides the configuration. */
export interface CountersignOptions {
  /** Where `{ env: NAME }` credentials come from. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Told of defects, which callers only hear of as `internal`. */
  readonly onInternalError: (error: unknown) => void;
  /** Told when somebody approves alone in an emergency, and when nobody has reviewed that in time. */
  readonly onEmergency?: EmbeddedOptions<AuditLog>["onEmergency"];
  /** The machine's clock, unless a test drives its own. */
  readonly clock?: Clock;
  /** Told of every named step of a guarded call; tests stop the process there. */
  readonly onStep?: OnStep;
}

/** Everything, running. */
export interface Countersign extends AsyncDisposable {
  readonly addresses: Addresses;
  /** Absolute. */
  readonly dataFolder: string;
  /** Whether the console's pages are there; without them only its API is served. */
  readonly hasConsole: boolean;
  /**
   * A one-time link that signs an approver in to the console.
   *
   * @throws {RangeError} for a name that the configuration does not have.
   */
  signInLink(approver: string): string;
  /** What the configuration of the resources cannot promise, one sentence each. */
  readonly warnings: readonly string[];
  /** Which policy is in force, now and as it changes. */
  readonly policy: PolicyStatusFeed;
  /** What is guarded. */
  readonly resources: readonly GuardedResource[];
  /** Reads the policy again, whether or not its files seem to have changed. */
  reloadPolicy(): void;
  /** Stops in the order in which nothing is lost: agents first, then approvers, then the stores. */
  close(): Promise<void>;
}

/** How long the result of a durable request is kept, and how much of all of them, in milliseconds and bytes. */
const results = { keepMs: 24 * 3_600_000, capBytes: 256 * 1024 * 1024 };
/** How long a request that a live caller waited for outlives a restart, so that the caller can come back to it. */
const callerGraceMs = 60_000;

/**
 * Puts the product together in this process: policy → stores → approvers' surfaces → sidecar. What was opened is closed again when a later
 * part does not start.
 *
 * @throws {PolicyError} with the place of every mistake.
 * @throws {ControlPlaneError} `folder_in_use` when another process has the data folder, and as `openEmbeddedControlPlane`.
 * @throws {CliError} for an address, a file or a credential that cannot be used.
 */
export async function startCountersign(config: Config, options: CountersignOptions): Promise<Countersign> {
  const { data, settings } = config;
  const { onInternalError } = options;
  const first = await readFirstPolicy(config, () => options.clock?.wallMs() ?? Date.now());
  const keys = openKeys(data);
  await using parts = new AsyncDisposableStack();

  const approvers = new Approvers(settings.approvers);
  const control = parts.use(
    await openEmbeddedControlPlane({
      folder: data,
      keys,
      openLog: () => openEmbeddedLog(data, keys, logOrigin(keys.log.publicKey)),
      ...{ directory: approvers, reminders: reminderTimes(settings.approvals) },
      ...(options.onEmergency && { onEmergency: options.onEmergency }),
      ...(options.clock && { clock: options.clock }),
    }),
  );
  const { audit, requests, revocations, grants, now } = control;
  const desk = { ...control, sessions: audit.sessions };
  await recordStart(audit, now(), config, first.ready.policy);
  // Closed in the opposite order: the stop is recorded when nothing can happen any more, and before the log is closed.
  parts.defer(() => recordStop(audit, now()).catch(onInternalError));
  const policy = parts.use(await followPolicy(first, { audit, now, onInternalError }));
  const console = parts.use(
    await serveConsole({
      desk,
      policy,
      approvers,
      audit,
      now,
      onInternalError,
      port: hostAndPort(settings.control.listen).port,
      ...consoleFiles(),
    }),
  );
  const sockets = await socketFolder(data, [settings.control.approver, "operator.sock", ...bareSocketNames(config)]);
  const approverApi = parts.use(
    await serveApprovers({
      ...{ desk, policy, now, onInternalError },
      identity: developmentIdentity(approvers, keys.developmentIssuer.publicKey, now),
      socketPath: socketPath(sockets, config.path("."), settings.control.approver),
    }),
  );
  const postgres = await postgresListens(config, sockets);
  const ssh = await sshListens(config);
  const http = await httpListens(config);
  const kubernetes = await kubernetesListens(config, now);
  const resources = await openResources(config, { environment: options.environment, now });
  const sidecar = await startSidecar({
    name: settings.sidecar.name,
    resources,
    policy: () => policy.policy,
    policyChanges: policy,
    shownPolicy: () => policy.shown,
    controlPlane: { requests, audit, revocations, grants, evidence: control.evidence },
    voteKey: keys.vote.publicKey,
    issuers: agentIssuers(config, keys.developmentIssuer.publicKey),
    listeners: await agentListeners(config, sockets),
    natives: [
      ...openPostgresClients({ listen: postgres, bounds: settings.limits }),
      ...openSshClients({ listen: ssh.map(({ listen }) => listen), bounds: settings.limits, wallMs: now }),
      ...openHttpClients({ listen: http, bounds: settings.limits }),
      ...openKubernetesClients({ listen: kubernetes.map(({ listen }) => listen), bounds: settings.limits }),
    ],
    limits: settings.limits,
    strictAudit: settings.audit.fsync === "always",
    results: {
      ...results,
      folder: join(data, "results"),
      key: Buffer.from(hkdfSync("sha256", keys.payload, "", "countersign/results/v1", 32)),
    },
    journal: {
      folder: join(data, "journal"),
      key: Buffer.from(hkdfSync("sha256", keys.payload, "", "countersign/journal/v1", 32)),
    },
    approvalUrl: (id) => `${console.url}/requests/${id}`,
    graceMs: callerGraceMs,
    ...{ now, onInternalError },
    ...(options.onStep && { onStep: options.onStep }),
  });
  parts.defer(() => sidecar.close());
  control.edits.connect(sidecar.redraft);
  const operator = join(sockets, "operator.sock");
  const signInLink = (approver: string): string => console.signInLink(approver);
  parts.use(await serveOperator(operator, { signInLink, policyStatus: () => policy.status }));

  const addresses: Addresses = {
    pid: process.pid,
    agent: listed(sidecar.addresses),
    postgres: reachable(postgres, sidecar.nativeAddresses),
    ssh: reachableSsh(ssh, sidecar.nativeAddresses.slice(postgres.length)),
    http: reachableHttp(http, sidecar.nativeAddresses.slice(postgres.length + ssh.length)),
    kubernetes: reachableKubernetes(
      kubernetes,
      sidecar.nativeAddresses.slice(postgres.length + ssh.length + http.length),
      resources.filter(({ type }) => type === "kubernetes").map(({ name }) => name),
    ),
    approver: listed(approverApi.addresses)[0],
    operator,
    console: console.url,
    approvers: settings.approvers.map(({ name }) => name),
  };
  await writeFile(addressesFile(data), `${JSON.stringify(addresses, null, 2)}\n`, { mode: 0o600 });
  parts.defer(() => rm(addressesFile(data), { force: true }));
  const running = parts.move();
  const close = (): Promise<void> => running.disposeAsync();
  return {
    ...{ addresses, dataFolder: data, signInLink, policy, resources, close },
    warnings: resources.flatMap(({ warnings = [] }) => warnings),
    hasConsole: consoleFiles().staticFolder !== undefined,
    reloadPolicy: () => policy.reload(),
    [Symbol.asyncDispose]: close,
  };
}

function reminderTimes(approvals: Config["settings"]["approvals"]): EmbeddedOptions<AuditLog>["reminders"] {
  if (approvals === undefined) return undefined;
  const { remindAfter, remindEvery, remindAtMost } = approvals;
  return { afterMs: remindAfter, everyMs: remindEvery, atMost: remindAtMost };
}

/** The built console: beside the bundle, or in the workspace. */
function consoleFiles(): { readonly staticFolder?: string } {
  const folders = ["./console", "../../console/dist"].map((one) => fileURLToPath(new URL(one, import.meta.url)));
  const staticFolder = folders.find((one) => existsSync(join(one, "index.html")));
  return staticFolder === undefined ? {} : { staticFolder };
}

function listed(addresses: readonly string[]): [string, ...string[]] {
  const [first, ...others] = addresses;
  if (first === undefined) throw new TypeError("a server listens nowhere");
  return [first, ...others];
}
