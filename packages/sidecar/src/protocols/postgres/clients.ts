import { performance } from "node:perf_hooks";
import type { GuardLimits } from "../../guard.ts";
import type { NativeHost, OpenNative } from "../../native/listener.ts";
import type { ClientGateParts, OpenClientGate } from "./entry/client-gate.ts";
import type { ConnectionBounds } from "./entry/client-limits.ts";
import { type PostgresListen, postgresListeners } from "./listener.ts";
import { clientGates } from "./wire/gate.ts";

/** How unmodified clients of PostgreSQL are served. */
interface PostgresClientsOptions {
  readonly listen: readonly PostgresListen[];
  readonly bounds: ConnectionBounds & Pick<GuardLimits, "statementBytes" | "parameterBytes">;
}

/** The ways in for psql and every driver, one for each that is configured. */
export function openPostgresClients({ listen, bounds }: PostgresClientsOptions): readonly OpenNative[] {
  return postgresListeners({ listen, bounds, gates: (host, { noticeMs = 0 }) => gatesOf(host, bounds, noticeMs) });
}

function gatesOf(host: NativeHost, bounds: PostgresClientsOptions["bounds"], noticeMs: number): OpenClientGate {
  const { journal, onInternalError } = host;
  const { statementBytes, parameterBytes } = bounds;
  const gates = (holdInTransaction: ClientGateParts["holdInTransaction"]): OpenClientGate =>
    clientGates(
      { journal, onInternalError, now: () => performance.now() },
      { statementBytes, parameterBytes, noticeMs, holdInTransaction },
    );
  // One for each kind of resource, not for each client.
  const kinds = { allow: gates("allow"), warn: gates("warn"), refuse: gates("refuse") };
  return (parts) => kinds[parts.holdInTransaction](parts);
}
