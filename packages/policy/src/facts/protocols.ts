import { http } from "./http.ts";
import { kubernetes } from "./kubernetes.ts";
import { mcp } from "./mcp.ts";
import { postgres } from "./postgres.ts";
import { ssh } from "./ssh.ts";

/** Every protocol, by the type that resources of it have. */
export const protocols = { postgres, ssh, kubernetes, http, mcp } as const;

/** The name of a protocol, which is also the type of its resources. */
export type ProtocolName = keyof typeof protocols;
