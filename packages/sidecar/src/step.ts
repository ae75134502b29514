/** The named steps of a guarded call, in order. A test may stop the process at any of them. */
export const steps = ["held", "approved", "claimed", "intent", "executed", "outcome"] as const;

/** The named steps by which another request takes the place of a held one. */
export const replacingSteps = ["redrafted", "replaced"] as const;

/** The named steps by which a restart clears up a doubt. */
export const recoverySteps = ["resolved"] as const;

/** One of {@link steps}, {@link replacingSteps} or {@link recoverySteps}. */
export type Step = (typeof steps)[number] | (typeof replacingSteps)[number] | (typeof recoverySteps)[number];

/** Told that a step was reached, before the next one begins. */
export type OnStep = (step: Step, requestId: string) => void;
