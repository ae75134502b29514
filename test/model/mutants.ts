/** One change of one of the product's files. */
interface Edit {
  /** From the repository's root. */
  readonly file: string;
  /** There exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** The product with a defect: the model check must notice it. */
export interface Mutant {
  readonly name: string;
  readonly breaks: string;
  /** The scenario that shows it. */
  readonly scenario: string;
  readonly edits: readonly Edit[];
}

const control = "packages/control/src";
const quorum = "packages/policy/src/quorum.ts";
const ledger = `${control}/ledger.ts`;

/** What may be wrong with approvals, one defect each. Every one of them would let something run that must not, or lose what was said. */
export const mutants: readonly Mutant[] = [
  {
    name: "claim-without-compare-and-set",
    breaks: "one approval, one execution: of two who claim at once both are told that they have it",
    scenario: "claims: two sidecars",
    edits: [
      {
        file: ledger,
        find: "return this.#turns.take(id, async () => {",
        replace: "return (async (work) => work())(async () => {",
      },
      {
        file: ledger,
        find: "if (!(await this.store.change(id, change))) throw overtaken(id);",
        replace: "await this.store.change(id, change);",
      },
    ],
  },
  {
    name: "revocation-checked-before-dispatch-only",
    breaks: "no execution after a revocation has returned: what is taken back while the intent is written is sent all the same",
    scenario: "claims: two sidecars",
    edits: [
      {
        file: "packages/sidecar/src/dispatch.ts",
        find: "      refusal !== undefined || signal.aborted\n        ? notDispatched(\n            new",
        replace: "      Number.isNaN(0)\n        ? notDispatched(\n            new",
      },
    ],
  },
  {
    name: "revocation-answered-before-it-is-stored",
    breaks: "a revocation that was acknowledged holds",
    scenario: "claims: two sidecars",
    edits: [
      {
        file: `${control}/revoking.ts`,
        find: "      return endRevoked(request, { by: by.subject,",
        replace:
          "      if (by) return (async (_) => request)(endRevoked(request, { by: by.subject, message: reason }, this.#parts));\n      return endRevoked(request, { by: by.subject,",
      },
    ],
  },
  {
    name: "votes-counted-instead-of-people",
    breaks: "distinct people: somebody with two accounts agrees twice",
    scenario: "votes: a second account",
    edits: [
      { file: quorum, find: "return accounts?.[0] ?? subject;", replace: "return accounts === undefined ? subject : subject;" },
    ],
  },
  {
    name: "owner-not-excluded",
    breaks: "people who may vote: the owner of the agent agrees to what its agent asks",
    scenario: "votes: a second account",
    edits: [
      {
        file: quorum,
        find: "return excluded.some(({ subject }) => names.has(subject));",
        replace: "return excluded.slice(0, 1).some(({ subject }) => names.has(subject));",
      },
    ],
  },
  {
    name: "vote-over-another-digest",
    breaks: "votes over this digest: what somebody agreed to is not what runs",
    scenario: "votes: a second account",
    edits: [{ file: `${control}/approvals.ts`, find: "        otherDigest(request, attempt) ??\n", replace: "" }],
  },
  {
    name: "a-no-is-forgotten",
    breaks: "one denial denies",
    scenario: "votes: a no",
    edits: [{ file: quorum, find: 'eligible.some((vote) => vote.verdict === "deny")', replace: "eligible.length < 0" }],
  },
  {
    name: "escalation-lowers-the-count",
    breaks: "nothing is approved by time: whoever is asked later is enough alone",
    scenario: "time: escalation",
    edits: [
      {
        file: quorum,
        find: "const satisfied = stage.count > 0 && approved >= stage.count;",
        replace: "const satisfied = stage.count > 0 && approved >= stage.count - (last - began >= 50_000 ? 1 : 0);",
      },
    ],
  },
  {
    name: "approved-by-silence",
    breaks: "nothing is approved by time: what nobody answers is taken as agreed to",
    scenario: "time: nobody answers",
    edits: [
      {
        file: ledger,
        find: 'return this.apply(request, { to: "expired", outcome, by: "clock", timeMs: this.now() });',
        replace:
          'if (request.state === "pending") return this.apply(request, { to: "approved", by: "clock", timeMs: this.now(), validUntilMs: this.now() + 1000 });\n    return this.apply(request, { to: "expired", outcome, by: "clock", timeMs: this.now() });',
      },
    ],
  },
  {
    name: "expiry-only-by-timer",
    breaks: "validFor is enforced at the claim: a late timer lets something through",
    scenario: "time: expiry",
    edits: [
      {
        file: ledger,
        find: "return work(hasLapsed(request, this.now()) ? await this.#expire(request) : request);",
        replace: "return work(request);",
      },
      {
        file: ledger,
        find: '      if (request.state !== "pending") return',
        replace:
          '      if (hasLapsed(request, this.now())) return (await this.#expire(request)) !== request;\n      if (request.state !== "pending") return',
      },
    ],
  },
  {
    name: "clock-that-goes-back",
    breaks: "clock steps revive nothing: a clock that is set back stretches what is about to expire",
    scenario: "time: expiry",
    edits: [
      {
        file: `${control}/clock.ts`,
        find: "time = Math.max(clock.wallMs(), time + Math.max(0, monotonic - read));",
        replace: "time = clock.wallMs();",
      },
    ],
  },
  {
    name: "locks-forgotten-by-a-restart",
    breaks: "a locked approver's yes never counts, also after a restart",
    scenario: "locks: an approver is locked, a crash",
    edits: [
      { file: `${control}/locks.ts`, find: "locks.#locks.set(standing.id, lockOf(standing));", replace: "lockOf(standing);" },
      // What the log knows of them is looked at as well.
      { file: `${control}/locks.ts`, find: "await locks.#restore(lock);", replace: "{ lock }" },
    ],
  },
  {
    name: "locked-votes-count",
    breaks: "a locked approver's yes never counts",
    scenario: "locks: an approver is locked, a crash",
    edits: [
      { file: quorum, find: " && circumstances.isLocked?.(approver) !== true", replace: "" },
      { file: quorum, find: " && !isLocked(holder)", replace: "" },
    ],
  },
  {
    name: "change-not-recorded",
    breaks: "what cannot be recorded does not happen: a request changes, and the log does not say so",
    scenario: "votes: two people",
    edits: [{ file: ledger, find: "const all = [...records, ...", replace: "const all = [...records]; void [...records, ..." }],
  },
  {
    name: "doubt-taken-for-failure",
    breaks: "every started execution has an outcome or is unknown: what ran before a crash is said not to have run",
    scenario: "faults:",
    edits: [
      {
        file: "packages/sidecar/src/doubt.ts",
        find: ": await askTarget(intent, parts, signal);",
        replace: ": readStopped;",
      },
    ],
  },
  {
    name: "log-not-asked-before-a-claim",
    breaks: "what the log holds is over does not run: a crash between the log and the store leaves a row that says approved",
    scenario: "claims: two sidecars",
    edits: [{ file: "packages/sidecar/src/claiming.ts", find: "if (end !== undefined) {", replace: 'if (end === "") {' }],
  },
  {
    name: "doubt-cleared-up-in-the-log-only",
    breaks: "every doubt is cleared up as soon as the target can tell: a crash between the log and the store leaves it for ever",
    scenario: "doubt: the target",
    edits: [{ file: `${control}/requests.ts`, find: '"executing", "unknown"], sidecar', replace: '"executing"], sidecar' }],
  },
  {
    name: "doubt-asked-about-once",
    breaks: "every doubt is cleared up as soon as the target can tell: it is told while the process lives, and nobody asks",
    scenario: "doubt: the target",
    edits: [
      {
        file: "packages/sidecar/src/conclusion.ts",
        find: "if (doubt !== undefined) clearUp",
        replace: "if (doubt === null) clearUp",
      },
    ],
  },
  {
    name: "outcome-recorded-twice",
    breaks: "one intent, one outcome: a record that was stored and could not be synced is written once more",
    scenario: "doubt: the log",
    edits: [
      {
        file: "packages/sidecar/src/recorded-outcome.ts",
        find: "  if ((await recordedOutcome(log, outcome.request, line)) !== undefined) return;\n",
        replace: "",
      },
    ],
  },
];
