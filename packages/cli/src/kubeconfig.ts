import { type Document, isMap, isSeq, parseDocument, type YAMLMap } from "yaml";
import { execApiVersion } from "./exec-credential.ts";
import { CliError, exitCodes } from "./exit.ts";

/** A cluster as kubectl reaches it through the sidecar. */
export interface ClusterAccess {
  readonly resource: string;
  /** `https://…` */
  readonly server: string;
  /** PEM; undefined = the system's authorities. */
  readonly ca: string | undefined;
  readonly namespace: string | undefined;
  /** Where the agent's token is; undefined = in COUNTERSIGN_TOKEN. Absolute. */
  readonly tokenFile: string | undefined;
}

/** A named entry of a kubeconfig's lists. */
interface Named {
  readonly name: string;
}

/** The lists of a kubeconfig that we write to, with their one entry. */
export interface Kubeconfig {
  readonly apiVersion: "v1";
  readonly kind: "Config";
  readonly clusters: readonly [Named & { readonly cluster: object }];
  readonly users: readonly [Named & { readonly user: object }];
  readonly contexts: readonly [Named & { readonly context: object }];
  readonly "current-context": string;
}

/** What the context, the cluster and the user are called. */
function contextName(resource: string): string {
  return `countersign-${resource}`;
}

/** A kubeconfig without any secret: it names a program that gives the agent's token (client-go credential plugins). */
export function kubeconfig({ resource, server, ca, namespace, tokenFile }: ClusterAccess): Kubeconfig {
  const name = contextName(resource);
  const exec = {
    apiVersion: execApiVersion,
    command: "countersign",
    args: ["kubernetes", "token", ...(tokenFile === undefined ? [] : ["--token-file", tokenFile])],
    installHint: "The command `countersign` gives the agent's token: npm install --global countersign",
    interactiveMode: "Never",
    provideClusterInfo: false,
  };
  const trust = ca === undefined ? {} : { "certificate-authority-data": Buffer.from(ca).toString("base64") };
  return {
    ...{ apiVersion: "v1", kind: "Config" },
    clusters: [{ name, cluster: { server, ...trust } }],
    users: [{ name, user: { exec } }],
    contexts: [{ name, context: { cluster: name, user: name, ...(namespace !== undefined && { namespace }) } }],
    "current-context": name,
  };
}

/**
 * Puts the entries of one kubeconfig into the text of another, in place of those of the same name; everything else stays as it is written. Which
 * context is current stays, unless there is none.
 *
 * @param file for the error.
 * @throws {CliError} usage, when the text is no kubeconfig.
 */
export function mergeKubeconfig(text: string, ours: Kubeconfig, file: string): string {
  const document = parseDocument(text);
  const { contents } = document;
  if (document.errors.length > 0 || (contents !== null && !isMap(contents)))
    throw new CliError(exitCodes.usage, `${file} is no kubeconfig that can be read. Write another file with --out FILE.`);
  for (const key of ["apiVersion", "kind"] as const) if (!document.has(key)) document.set(key, ours[key]);
  for (const list of ["clusters", "users", "contexts"] as const) put(document, list, ours[list][0], file);
  const current = document.get("current-context");
  if (current === undefined || current === null || current === "") document.set("current-context", ours["current-context"]);
  return document.toString({ lineWidth: 0 });
}

function put(document: Document, list: keyof Kubeconfig, entry: Named, file: string): void {
  const there = document.get(list);
  if (there === undefined || there === null) {
    document.set(list, document.createNode([entry]));
    return;
  }
  if (!isSeq<YAMLMap>(there)) throw new CliError(exitCodes.usage, `${file}: \`${list}\` is no list, so it is no kubeconfig.`);
  // kubectl takes the first of several.
  const index = there.items.findIndex((one) => isMap(one) && one.get("name") === entry.name);
  const node = document.createNode(entry);
  if (index === -1) there.add(node);
  else there.items[index] = node;
}
