import { isIP } from "node:net";
import { z } from "zod";
import { address, filePath } from "./terms.ts";

const hostName = z
  .string()
  .refine(
    (text) => isIP(text) !== 0 || /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(text),
    "expected a host name in small letters, or an IP address",
  );

/** One of `sidecar.kubernetes`: an API server for kubectl and client libraries, always with TLS. */
export const kubernetesListenSchema = z
  .strictObject({
    tcp: address,
    /** What clients call this listener: kubeconfigs name the first, and its own certificate is good for all; default: the host of `tcp`. */
    names: z.array(hostName).default([]),
    /** The cluster of every request; absent = all clusters that are configured, each below `/clusters/NAME`. */
    resource: z.string().min(1).optional(),
    tls: z
      .strictObject({
        /** Default: a certificate of an authority of its own, which is made once in the data folder. */
        cert: filePath.optional(),
        key: filePath.optional(),
        /** Who signed `cert`, for kubeconfigs; default: the system's authorities. */
        ca: filePath.optional(),
        /** Whose certificates agents may show instead of a token. */
        clientCa: filePath.optional(),
      })
      .prefault({}),
  })
  .superRefine(({ tcp, names, tls: { cert, key, ca } }, context) => {
    const problem = (message: string, ...path: string[]): void => context.addIssue({ code: "custom", message, path });
    if ((cert === undefined) !== (key === undefined)) problem("`cert` and `key` belong together", "tls");
    if (ca !== undefined && cert === undefined) problem("`ca` says who signed `cert`; without that leave it out", "tls", "ca");
    if (names.length === 0 && /^(?:0\.0\.0\.0|\[[0:.]+\]):/.test(tcp))
      problem("say what clients call this machine: `names: [sidecar.internal]`", "names");
  });
