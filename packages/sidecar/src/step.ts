/** The named steps of a guarded call, in order. A test may stop the process at any of them. */
export const steps = ["held", "approved", "claimed", "intent", "executed", "outcome"] as const;

/** One of {@link steps}. */
export type Step = (typeof steps)[number];

/** Told that a step was reached, before the next one begins. */
export type OnStep = (step: Step, requestId: string) => void;
