/**
 * The keys of a data folder and the development issuer's tokens, without the control plane: for commands that start fast.
 *
 * @packageDocumentation
 */

export { agentAudience, approverAudience, signDevelopmentToken } from "./development-issuer.ts";
export { openKeys } from "./keys.ts";
