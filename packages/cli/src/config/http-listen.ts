import { z } from "zod";
import { isLoopback } from "./postgres-listen.ts";
import { address, filePath } from "./terms.ts";

/** One of `sidecar.http`: where unmodified HTTP clients may send requests instead of to the API itself. */
export const httpListenSchema = z
  .strictObject({
    tcp: address,
    tls: z.strictObject({ cert: filePath, key: filePath }).optional(),
    /** The resource of every request, whatever host it names: clients get the listener as their base URL. */
    resource: z.string().min(1).optional(),
    /** Resources by the host name that clients use. */
    hosts: z
      .record(z.string().regex(/^[a-z0-9.-]+$/, "a host name in small letters, without a port"), z.string().min(1))
      .default({}),
  })
  .superRefine(({ tcp, tls, resource, hosts }, context) => {
    const problem = (message: string, ...path: string[]): void => context.addIssue({ code: "custom", message, path });
    if (tls === undefined && !isLoopback(tcp))
      problem(
        "agents send their token with every request, so a listener that others can reach needs `tls: { cert: FILE, key: FILE }`",
        "tcp",
      );
    if (resource === undefined && Object.keys(hosts).length === 0)
      problem("an HTTP listener needs `resource: NAME` or `hosts: { HOST: NAME }`");
  });
