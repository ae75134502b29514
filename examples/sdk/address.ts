import { resolve } from "node:path";

/** Where the sidecar listens: as `countersign up` prints it, or the socket of a `countersign up` in this folder. */
export const address = process.env.COUNTERSIGN_ADDRESS ?? `unix://${resolve("countersign-data/run/agent.sock")}`;
