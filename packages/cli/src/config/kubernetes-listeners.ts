import { isIPv6 } from "node:net";
import { join } from "node:path";
import { clusterPath, type KubernetesListen, openOwnAuthority } from "@countersign/sidecar";
import { CliError, exitCodes } from "../exit.ts";
import type { Addresses } from "../instance.ts";
import { hostAndPort, tlsFile } from "./agents.ts";
import type { Config } from "./load.ts";

/** What a listener is opened with, and what its clients are told. */
export interface KubernetesListenWithTrust {
  readonly listen: KubernetesListen;
  /** What kubeconfigs name; undefined = the host that it listens on. */
  readonly name: string | undefined;
  /** Whom clients trust, PEM; undefined = the system's authorities. */
  readonly ca: string | undefined;
}

/**
 * The configured listeners for Kubernetes clients.
 *
 * @throws {CountersignError} `invalid_request` for an authority of our own that is damaged, or that others can read.
 * @throws {CliError} usage, for a TLS file that cannot be read, and for a cluster that there is not.
 */
export async function kubernetesListens(config: Config, now: () => number): Promise<readonly KubernetesListenWithTrust[]> {
  const listens: KubernetesListenWithTrust[] = [];
  for (const { tcp, names, resource, tls } of config.settings.sidecar.kubernetes) {
    checkResource(config, resource);
    const address = hostAndPort(tcp);
    const { ca, ...files } = await certificateOf(config, tls, [...names, address.host], now);
    const clientCa = tls.clientCa === undefined ? undefined : await tlsFile(config, tls.clientCa);
    const listen = {
      address,
      tls: { ...files, ...(clientCa !== undefined && { clientCa }) },
      ...(resource !== undefined && { resource }),
    };
    listens.push({ listen, name: names[0], ca });
  }
  return listens;
}

/** A kubeconfig for a name that is mistyped here would be written, and lead nowhere. */
function checkResource({ file, settings: { resources } }: Config, resource: string | undefined): void {
  const clusters = resources.flatMap(({ type, name }) => (type === "kubernetes" ? [name] : []));
  if (resource === undefined || clusters.includes(resource)) return;
  const there = clusters.length === 0 ? "there is none" : `there is ${clusters.join(", ")}`;
  throw new CliError(
    exitCodes.usage,
    `${file}: sidecar.kubernetes names the cluster ${JSON.stringify(resource)}, which no resource of \`type: kubernetes\` is; ${there}.`,
  );
}

async function certificateOf(
  config: Config,
  { cert, key, ca }: Config["settings"]["sidecar"]["kubernetes"][number]["tls"],
  names: readonly string[],
  now: () => number,
): Promise<{ readonly cert: string; readonly key: string; readonly ca: string | undefined }> {
  if (cert === undefined || key === undefined) {
    const authority = await openOwnAuthority(join(config.data, "listener-authority.pem"), now);
    return { ...authority.certify([...new Set([...names, "localhost", "127.0.0.1"])]), ca: authority.ca };
  }
  return {
    cert: await tlsFile(config, cert),
    key: await tlsFile(config, key),
    ca: ca === undefined ? undefined : await tlsFile(config, ca),
  };
}

/** Where each cluster is for kubectl; first at listeners of its own, where every path is as the cluster has it. */
export function reachableKubernetes(
  listens: readonly KubernetesListenWithTrust[],
  addresses: readonly string[],
  clusters: readonly string[],
): Addresses["kubernetes"] {
  const found = listens.flatMap(({ listen: { resource }, name, ca }, index) => {
    const at = addresses[index];
    if (at === undefined) return [];
    const { host, port } = hostAndPort(at);
    const called = name ?? host;
    const server = `https://${isIPv6(called) ? `[${called}]` : called}:${port}`;
    const trust = ca === undefined ? {} : { ca };
    if (resource !== undefined) return [{ resource, server, ...trust }];
    return clusters.map((one) => ({ resource: one, server: `${server}${clusterPath(one)}`, ...trust }));
  });
  return found.sort((a, b) => Number(isShared(a)) - Number(isShared(b)));
}

function isShared({ server }: Addresses["kubernetes"][number]): boolean {
  return new URL(server).pathname !== "/";
}
