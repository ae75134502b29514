import type { Summary } from "../api/model.ts";

/** Requests that wait for the very same: shown once, decided one by one. */
export interface Alike {
  /** Stable for the same requests; an id of the page, not of a request. */
  readonly key: string;
  /** In the order given; at least one. */
  readonly requests: readonly [Summary, ...Summary[]];
}

/** Groups requests of the same principal with the same action, each group where its first request stands. */
export function alike(requests: readonly Summary[]): readonly Alike[] {
  const groups = new Map<string, [Summary, ...Summary[]]>();
  for (const request of requests) {
    const { actionDigest, principal, state, id } = request;
    // JSON keeps the parts apart: no subject can be made to read like another one's issuer.
    const key = actionDigest === "" ? id : JSON.stringify([principal.issuer, principal.subject, actionDigest, state]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [request]);
    else group.push(request);
  }
  return [...groups].map(([key, group]) => ({ key, requests: group }));
}
