import type { Revocation } from "@countersign/policy";

/** Why something is stopped that others have taken back: not its caller's own wish. */
export const takenBack = "Revoked.";

/** A caller, as far as ownership goes. */
interface Owner {
  readonly issuer: string;
  readonly subject: string;
}

/** The grant that a call runs by. */
interface Standing {
  readonly grantId: string;
  /** Whether it still lets this call run. */
  readonly stands: () => boolean;
}

/** Calls that run right now without a stored request, allowed or by a grant, so that they can be stopped. */
export class LiveCalls {
  readonly #calls = new Map<string, { owner: Owner; resource: string; abort: AbortController; by: Standing | undefined }>();
  #idle: (() => void) | undefined;

  /** Enters a call; disposing leaves it. When its caller goes away, a reading call is stopped; a writing one is left to end by itself. */
  enter(
    id: string,
    owner: Owner,
    resource: string,
    caller: AbortSignal,
    readOnly: boolean,
    by?: Standing,
  ): Disposable & { readonly signal: AbortSignal } {
    const abort = new AbortController();
    const gone = () => abort.abort(caller.reason);
    if (readOnly) caller.addEventListener("abort", gone, { once: true });
    this.#calls.set(id, { owner, resource, abort, by });
    return {
      signal: abort.signal,
      [Symbol.dispose]: () => {
        caller.removeEventListener("abort", gone);
        this.#calls.delete(id);
        if (this.#calls.size === 0) this.#idle?.();
      },
    };
  }

  /** Asks a call to stop; `false` when its owner has no such call. */
  cancel(id: string, owner: Owner): boolean {
    const call = this.#calls.get(id);
    if (call === undefined || call.owner.issuer !== owner.issuer || call.owner.subject !== owner.subject) return false;
    call.abort.abort("Cancelled.");
    return true;
  }

  /** Asks the calls to stop that depend on what was revoked. */
  revoke(revocation: Revocation): void {
    for (const [id, { owner, resource, abort, by }] of this.#calls) {
      const itsApprover = revocation.type === "approver" && by?.stands() === false;
      if (itsApprover || isAbout(revocation, { id, owner, resource, ...(by && { grant: by.grantId }) })) abort.abort(takenBack);
    }
  }

  /** Asks every call to stop. */
  abortAll(): void {
    for (const { abort } of this.#calls.values()) abort.abort("The sidecar stops.");
  }

  /** Resolves when no call runs. */
  async settled(): Promise<void> {
    if (this.#calls.size > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
  }
}

/** Whether a revocation is about one call: it itself, its caller, its resource, or the grant that it runs by. */
export function isAbout(
  revocation: Revocation,
  {
    id,
    owner,
    resource,
    grant,
  }: { readonly id: string; readonly owner: Owner; readonly resource: string; readonly grant?: string },
): boolean {
  switch (revocation.type) {
    case "request":
      return revocation.requestId === id;
    case "principal":
      return revocation.issuer === owner.issuer && revocation.subject === owner.subject;
    case "resource":
      return revocation.resource === resource;
    case "grant":
      return revocation.grantId === grant;
    // The control plane says which requests live by an approver's vote.
    case "approver":
      return false;
  }
}
