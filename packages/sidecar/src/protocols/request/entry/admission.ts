import type { Principal } from "@countersign/policy";

/** Counts a principal's request; undefined = it has as many as it may have. */
export type Admission = (principal: Principal) => Disposable | undefined;

/** Counts the requests of each principal. */
export function admission(most: number): Admission {
  const counts = new Map<string, number>();
  return ({ issuer, subject }) => {
    const name = `${issuer.length} ${issuer}${subject}`;
    const before = counts.get(name) ?? 0;
    if (before >= most) return undefined;
    counts.set(name, before + 1);
    return {
      [Symbol.dispose]: () => {
        const left = (counts.get(name) ?? 1) - 1;
        if (left > 0) counts.set(name, left);
        else counts.delete(name);
      },
    };
  };
}
