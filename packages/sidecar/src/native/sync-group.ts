import type { LivePassage } from "./live-record.ts";

/** Passages that wait for the disk together. */
export interface SyncGroup extends PromiseWithResolvers<void> {
  readonly passages: LivePassage[];
}

/** A group of nobody yet. */
export function syncGroup(): SyncGroup {
  const group = { ...Promise.withResolvers<void>(), passages: [] };
  // Whoever waits for a passage hears of it; a passage may also end before.
  group.promise.catch(() => {});
  return group;
}
