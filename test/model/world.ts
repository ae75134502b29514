import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CountersignError, type Policy } from "@countersign/policy";
import { memoryStores } from "../../packages/control/fixtures/memory-stores.ts";
import { type EmbeddedControlPlane, openEmbeddedControlPlane, openKeys } from "../../packages/control/src/index.ts";
import type { Call } from "../../packages/sidecar/src/call.ts";
import type { Guard } from "../../packages/sidecar/src/guard.ts";
import { recover } from "../../packages/sidecar/src/recovery.ts";
import { openGuard } from "../harness/guard.ts";
import { countedBytes, restartRandomness } from "./determinism.ts";
import { Invariants } from "./invariants.ts";
import { Day, ModelClock } from "./model-clock.ts";
import { ModelLog } from "./model-log.ts";
import { NoResults } from "./no-results.ts";
import { agent, policies, resource, statement, times } from "./people.ts";
import type { Bounds, Command, Scenario } from "./scenario.ts";
import { digest, Scheduler, settled, text, type Way } from "./scheduler.ts";
import { ModelTarget } from "./target.ts";
import { WatchedTables } from "./watched-tables.ts";

const folder = mkdtempSync(join(tmpdir(), "countersign-model-"));
const keys = openKeys(folder);

/** One thing that may happen next. */
export interface Choice {
  readonly name: string;
  readonly take: () => Promise<void>;
  /** What it leads to follows from this alone: of several choices with the same one, one is enough. */
  readonly leadsTo?: string;
}

/** The product over a disk, a clock and a target that the explorer drives. A crash makes a new process over the same disk. */
export class World {
  readonly scheduler = new Scheduler();
  readonly invariants: Invariants;
  readonly tables: WatchedTables;
  readonly log: ModelLog;
  readonly target: ModelTarget;
  readonly #scenario: Scenario;
  readonly #day = new Day();
  readonly #left: Record<keyof Bounds, number>;
  /** How many of its commands each actor has begun, and what the last one came to. */
  readonly #begun = new Map<string, number>();
  readonly #busy = new Set<string>();
  #policy: Policy = policies.first;
  #clock = this.#newClock();
  #plane: EmbeddedControlPlane<ModelLog> | undefined;
  #guards: readonly Guard[] = [];
  #intended = "";
  #isRecovered = false;

  constructor(scenario: Scenario) {
    restartRandomness();
    this.#scenario = scenario;
    this.#left = { ...scenario.bounds };
    this.log = new ModelLog(this.scheduler, (name, fail) => this.#fault("faults", name, fail));
    this.target = new ModelTarget(
      this.scheduler,
      (name, work) => this.#fault("targetFaults", name, work),
      (request) => this.invariants.sent(request),
    );
    this.tables = new WatchedTables((before, after) => this.invariants.changed(before, after, this.scheduler.actor));
    this.invariants = new Invariants({ requests: this.tables.requests, log: this.log, target: this.target });
    this.scheduler.observe = () => `${this.#plane?.revoking.locks().map(({ target }) => JSON.stringify(target))}`;
  }

  /** The control plane of the process that runs now. */
  get plane(): EmbeddedControlPlane<ModelLog> {
    if (this.#plane === undefined) throw new Error("No process runs");
    return this.#plane;
  }

  get guard(): Guard {
    const [guard] = this.#guards;
    if (guard === undefined) throw new Error("No process runs");
    return guard;
  }

  /** The call that the agent makes. */
  get call(): Call {
    const operation = { kind: "postgres.query", statement, parameters: [] } as const;
    return { principal: agent, resource, operation, reason: "", session: "", idempotencyKey: "once", durable: true };
  }

  /** The request that the scenario is about. */
  get id(): string {
    return [...this.tables.requests.keys()][0] ?? "";
  }

  /** Does what the scenario begins with. */
  async prepare(): Promise<void> {
    await this.#atOnce(async () => {
      await this.#boot();
      await settled();
      for (const { actor, run } of this.#scenario.before) await this.scheduler.as(actor, () => run(this));
    });
  }

  /** Starts a process over what another world's processes have left on disk. */
  async startFrom({ tables, log }: World): Promise<void> {
    this.tables.copy(tables);
    this.log.entries = log.entries.map((entry) => ({ ...entry, synced: true }));
    await this.#atOnce(async () => {
      await this.#boot();
      await settled();
    });
  }

  /** Everything that may happen now. */
  choices(): readonly Choice[] {
    const { scheduler } = this;
    const choices: Choice[] = [];
    for (const waiting of scheduler.waiting) {
      for (const way of waiting.ways()) {
        choices.push({ name: `${waiting.actor}: ${way.name}`, take: () => scheduler.take(waiting, way) });
      }
    }
    if (this.#isRecovered) {
      for (const [actor, commands] of Object.entries(this.#scenario.actors)) {
        const command = commands[this.#begun.get(actor) ?? 0];
        if (command === undefined || this.#busy.has(actor)) continue;
        choices.push({ name: `${actor}: ${command.name}`, take: () => this.#begin(actor, command) });
      }
    }
    if (this.#guards.length === 0) choices.push({ name: "it is started again", take: () => this.#crash() });
    if (this.#clock.isDue) choices.push({ name: "a timer rings", take: () => this.#ring() });
    const orphan = this.target.orphan();
    if (orphan !== undefined) {
      for (const state of ["committed", "rolled back"] as const) {
        const take = async () => {
          orphan.state = state;
        };
        choices.push({ name: `the statement that goes on is ${state}`, take });
      }
    }
    return [...choices, ...this.#events()];
  }

  /** Whether nothing goes on by itself. */
  get isAtRest(): boolean {
    return this.#isRecovered && this.scheduler.waiting.length === 0 && !this.#clock.isDue && this.target.orphan() === undefined;
  }

  /** What is wrong with this state; undefined when nothing is. */
  check(): string | undefined {
    if (this.#plane !== undefined && this.plane.now() < this.#clock.leastMs) this.invariants.clockWentBack();
    if (this.isAtRest) this.invariants.atRest();
    return this.invariants.broken;
  }

  /** Two worlds with the same fingerprint go on in the same ways. */
  fingerprint(): string {
    const busy = JSON.stringify([[...this.#busy].sort(), this.#isRecovered]);
    return digest([this.#lasting(), busy, this.#clock.fingerprint(), this.scheduler.fingerprint()].join("\n"));
  }

  /** What outlives a process. */
  #lasting(): string {
    const requests = [...this.tables.requests.values()].map((one) => {
      const votes = one.votes.map(({ approver, verdict, timeMs }) => [approver.subject, verdict, timeMs]);
      const { state, revision, changedMs, validUntilMs, wakeMs, escalatedMs, outcome } = one;
      return [state, revision, changedMs, validUntilMs, wakeMs, escalatedMs, outcome?.state, one.decision.policyDigest, ...votes];
    });
    const standing = [...this.tables.standing.values()].map((one) => [one.kind, one.name, one.active, one.revision, one.body]);
    return [
      JSON.stringify([requests, standing, this.#left, [...this.#begun].sort(), this.#day.wallMs, this.#day.passedMs]),
      this.#policy.digest,
      this.log.fingerprint(),
      this.target.fingerprint(),
      this.invariants.fingerprint(),
    ].join("\n");
  }

  /** What happens to the world, as far as the scenario lets it. */
  #events(): readonly Choice[] {
    const { tickMs } = times;
    const events: { readonly name: string; readonly of: keyof Bounds; readonly happen: () => void | Promise<void> }[] = [
      { name: "time passes", of: "passes", happen: () => this.#pass(tickMs) },
      { name: "the clock is set back", of: "setBacks", happen: () => this.#set(-2 * tickMs) },
      { name: "the clock is set ahead", of: "setAheads", happen: () => this.#set(2 * tickMs) },
      { name: "the policy changes", of: "policies", happen: () => this.#changePolicy() },
      { name: "kill -9", of: "crashes", happen: () => this.#crash() },
    ];
    if (this.log.entries.some(({ synced }) => !synced)) {
      events.push({ name: "the power goes", of: "crashes", happen: () => this.#crash(() => this.log.cutPower()) });
    }
    return events
      .filter(({ of }) => this.#left[of] > 0)
      .map(({ name, of, happen }) => ({
        name,
        ...(of === "crashes" && { leadsTo: digest(`${name} ${this.#lasting()}`) }),
        take: async () => {
          this.#left[of]--;
          await happen();
          await settled();
        },
      }));
  }

  #pass(ms: number): void {
    this.#day.wallMs += ms;
    this.#day.passedMs += ms;
  }

  #set(ms: number): void {
    this.#day.wallMs += ms;
  }

  #changePolicy(): void {
    this.#policy = policies.second;
    for (const [index, guard] of this.#guards.entries()) this.scheduler.as(sidecarName(index), () => guard.policyChanged());
  }

  async #ring(): Promise<void> {
    this.scheduler.as("alarm", () => this.#clock.ring());
    await settled();
  }

  async #begin(actor: string, command: Command): Promise<void> {
    this.#begun.set(actor, (this.#begun.get(actor) ?? 0) + 1);
    this.#busy.add(actor);
    void this.scheduler.as(actor, async () => {
      const result = await command.run(this).then(
        () => "done",
        (error: unknown) => (error instanceof CountersignError ? error.code : "failed"),
      );
      this.#busy.delete(actor);
      this.scheduler.forget(actor, result);
    });
    await settled();
  }

  async #crash(lose: () => void = () => {}): Promise<void> {
    this.scheduler.lose();
    this.#busy.clear();
    this.target.abandon();
    lose();
    await this.#boot();
  }

  /** A process starts: the control plane at once, for nobody can call it before; then recovery, while approvers call already. */
  async #boot(): Promise<void> {
    this.#isRecovered = false;
    this.#guards = [];
    this.#clock = this.#newClock();
    await this.#atOnce(async () => {
      const perform = <Result>(name: string, work: () => Result): Promise<Result> =>
        name === "journal" ? this.#now(name, work) : this.scheduler.step(name, work, () => this.#storeFault(name));
      this.#plane = await openEmbeddedControlPlane({
        folder,
        keys,
        clock: this.#clock,
        openLog: async () => this.log,
        openStores: async () => memoryStores(this.tables, perform),
      });
    });
    const opened = Array.from({ length: this.#scenario.sidecars }, (_, index) => this.#open(sidecarName(index)));
    this.#guards = opened.map(({ guard }) => guard);
    const [first] = opened;
    const [, ...others] = this.#guards;
    if (first === undefined) return;
    const recovering = this.scheduler.as(sidecarName(0), async () => {
      await recover(first.guard, first.parts);
      this.#isRecovered = true;
      for (const other of others) void this.#resume(other);
    });
    // A process that cannot recover does not start: it is started again.
    recovering.catch(() => this.#failedToStart());
    await settled();
  }

  #failedToStart(): void {
    this.scheduler.lose();
    this.#guards = [];
  }

  /** A second sidecar of the same name takes up what is held. */
  async #resume(guard: Guard): Promise<void> {
    const index = this.#guards.indexOf(guard);
    for (const request of this.tables.requests.values()) {
      const isHeld = request.state === "pending" || request.state === "approved";
      if (index > 0 && isHeld) this.scheduler.as(sidecarName(index), () => guard.resume(request));
    }
  }

  #open(name: string): ReturnType<typeof openGuard> {
    const { plane } = this;
    return openGuard({
      ...{ plane, resource, roles: ["writer", "owner"], random: countedBytes, voteKey: keys.vote.publicKey },
      connector: this.target.connector(name, () => this.#intended),
      policy: () => {
        this.scheduler.saw(this.#policy.digest);
        return this.#policy;
      },
      results: new NoResults(plane.now),
      onStep: (step, id) => {
        if (step === "intent") this.#intended = id;
      },
    });
  }

  /** A pause of the product. It would last for ever while the target is still at work on what it was asked about. */
  pause(): Promise<void> {
    return this.scheduler.choose("pauses", () =>
      this.target.orphan() === undefined ? [{ name: "goes on after a pause", work: () => undefined }] : [],
    );
  }

  /** What watchers read takes no part: they are woken for every change, and whoever acts on it reads again, step by step. */
  async #now<Result>(name: string, work: () => Result): Promise<Result> {
    const result = work();
    this.scheduler.saw(`${name}=${text(result)}`);
    return result;
  }

  #newClock(): ModelClock {
    return new ModelClock(this.#day, (ms) => this.scheduler.saw(`${ms}`));
  }

  #storeFault(name: string): readonly Way[] {
    if (!/^(insert|change)/.test(name)) return [];
    return this.#fault("faults", "the store fails", () => {
      throw new CountersignError("control_plane_unavailable", "The disk is full.", { retryable: true });
    });
  }

  #fault(of: "faults" | "targetFaults", name: string, work: () => unknown): readonly Way[] {
    if (this.#left[of] === 0) return [];
    const happen = () => {
      this.#left[of]--;
      return work();
    };
    return [{ name, work: happen }];
  }

  async #atOnce(work: () => Promise<void>): Promise<void> {
    const before = this.scheduler.atOnce;
    this.scheduler.atOnce = true;
    await work();
    await settled();
    this.scheduler.atOnce = before;
  }
}

function sidecarName(index: number): string {
  return `sidecar ${index + 1}`;
}
