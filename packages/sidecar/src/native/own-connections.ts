import { CountersignError, connectionOf, type Operation, type Principal, type Revocation } from "@countersign/policy";
import type { NativeCaller, OwnConnection } from "./own-connection.ts";

interface Entry {
  readonly caller: NativeCaller;
  readonly own: OwnConnection;
}

/** The connections of unmodified clients that are open now. */
export class OwnConnections {
  readonly #open = new Map<string, Entry>();

  /** Enters a connection; disposing leaves. */
  enter(caller: NativeCaller, own: OwnConnection): Disposable {
    this.#open.set(caller.connection, { caller, own });
    return { [Symbol.dispose]: () => void this.#open.delete(caller.connection) };
  }

  /**
   * The connection that an operation belongs to; undefined for one that belongs to none.
   *
   * @throws {CountersignError} `cancelled` when that connection has ended, or is not the caller's.
   */
  of(operation: Operation, { issuer, subject }: Pick<Principal, "issuer" | "subject">): Entry | undefined {
    const connection = connectionOf(operation);
    if (connection === undefined) return undefined;
    const entry = this.#open.get(connection.id);
    const principal = entry?.caller.principal;
    if (entry !== undefined && principal?.issuer === issuer && principal.subject === subject) return entry;
    throw new CountersignError("cancelled", "The client's connection, on which it was to run, has ended; nothing ran.");
  }

  /** Cuts the connections whose caller or resource was locked. */
  revoke(revocation: Revocation): void {
    for (const { caller, own } of [...this.#open.values()]) {
      const { principal, resource } = caller;
      const isLocked =
        (revocation.type === "principal" && revocation.issuer === principal.issuer && revocation.subject === principal.subject) ||
        (revocation.type === "resource" && revocation.resource === resource);
      if (isLocked) own.cut("Revoked: an operator has locked this caller or this resource.");
    }
  }

  /** Cuts all of them. */
  cutAll(): void {
    for (const { own } of [...this.#open.values()]) own.cut("The sidecar is shutting down.");
  }
}
