import type { Quorum } from "@countersign/policy";

/** A moment at which a waiting stage asks more people. */
interface Moment {
  readonly atMs: number;
  readonly to: readonly string[];
}

/** The moments of all stages whose turn it is. */
function moments({ verdict, requirements }: Quorum): readonly Moment[] {
  if (verdict !== "waiting") return [];
  return requirements.flatMap(({ stages, satisfied }) => {
    if (satisfied) return [];
    const current = stages.find((stage) => !stage.satisfied);
    const { sinceMs, stage } = current ?? {};
    if (sinceMs === undefined) return [];
    return (stage?.escalate ?? []).map(({ afterMs, to }) => ({ atMs: sinceMs + afterMs, to }));
  });
}

/** When more people are asked next, after a moment; undefined when never. Milliseconds since the Unix epoch. */
export function nextEscalation(progress: Quorum, afterMs: number): number | undefined {
  const later = moments(progress).filter(({ atMs }) => atMs > afterMs);
  return later.length === 0 ? undefined : Math.min(...later.map(({ atMs }) => atMs));
}

/** Who is asked as well by now and was not by then, each once. */
export function addedBetween(progress: Quorum, thenMs: number, nowMs: number): readonly string[] {
  const due = moments(progress).filter(({ atMs }) => atMs > thenMs && atMs <= nowMs);
  return [...new Set(due.flatMap(({ to }) => to))];
}
