import type { Principal } from "@countersign/policy";

/** Counts a principal's request; undefined = it has as many as it may have. */
export type Admission = (principal: Principal) => Disposable | undefined;

/** Requests of one principal. */
interface Count {
  readonly name: string;
  open: number;
}

/** One of them; disposing ends it. */
class Place implements Disposable {
  readonly #counts: Map<string, Count>;
  readonly #count: Count;

  constructor(counts: Map<string, Count>, count: Count) {
    this.#counts = counts;
    this.#count = count;
    count.open++;
  }

  [Symbol.dispose](): void {
    if (--this.#count.open === 0) this.#counts.delete(this.#count.name);
  }
}

/** Counts the requests of each principal. */
export function admission(most: number): Admission {
  const counts = new Map<string, Count>();
  // A caller that is known already need not be found by name.
  const last = new WeakMap<Principal, Count>();
  return (principal) => {
    const known = last.get(principal);
    const count = known !== undefined && known.open > 0 ? known : countOf(counts, principal);
    if (count !== known) last.set(principal, count);
    return count.open >= most ? undefined : new Place(counts, count);
  };
}

function countOf(counts: Map<string, Count>, { issuer, subject }: Principal): Count {
  const name = `${issuer.length} ${issuer}${subject}`;
  const known = counts.get(name);
  if (known !== undefined) return known;
  const count = { name, open: 0 };
  counts.set(name, count);
  return count;
}
