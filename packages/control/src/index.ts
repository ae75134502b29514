/**
 * The control plane: requests, votes, expiry, keys, and the approvers' surfaces.
 *
 * @packageDocumentation
 */

export { Approvals, commentBytes, type VoteAttempt } from "./approvals.ts";
export { type Clock, steadyTime, systemClock } from "./clock.ts";
export { ControlPlaneError, type ControlPlaneErrorCode } from "./control-plane-error.ts";
export * from "./development-issuer.ts";
export * from "./embedded.ts";
export * from "./embedded-log.ts";
export { escapeUnseen } from "./headline.ts";
export * from "./identity.ts";
export { type KeyPair, type Keys, openKeys } from "./keys.ts";
export { exportLog, openExportedLog } from "./log/export.ts";
export { openPayload } from "./log/payload.ts";
export { openSqliteLogSource, type SqliteLogSource } from "./log/sqlite-log-source.ts";
export { openSqliteLogStore, type SqliteLogStore } from "./log/sqlite-log-store.ts";
export type { Review } from "./reviews.ts";
export { type ApproverServer, type ApproverServerOptions, serveApprovers } from "./server/approver-service.ts";
export { type ConsoleServer, type ConsoleServerOptions, serveConsole } from "./server/console-server.ts";
