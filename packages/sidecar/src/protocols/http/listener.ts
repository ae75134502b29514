import type { IncomingMessage } from "node:http";
import { CountersignError } from "@countersign/policy";
import type { OpenNative } from "../../native/listener.ts";
import type { EntryKind } from "../request/entry/entry-kind.ts";
import { type EntryBounds, type ListenAt, listenForRequests } from "../request/entry/listening.ts";
import { isHttpTarget } from "./connector.ts";
import { problem } from "./problem.ts";

/** One listener as configured. */
export interface HttpListen extends ListenAt {
  /** For every host name. */
  readonly resource?: string;
  /** By host name, small letters. */
  readonly hosts: Readonly<Record<string, string>>;
}

/** How unmodified HTTP clients are served. */
interface HttpClientsOptions {
  readonly listen: readonly HttpListen[];
  readonly bounds: EntryBounds;
}

/** The ways in for unmodified HTTP clients, one for each that is configured. */
export function openHttpClients({ listen, bounds }: HttpClientsOptions): readonly OpenNative[] {
  return listen.map((one) => (host) => listenForRequests(host, httpEntry(one), one, bounds));
}

function httpEntry({ resource: every, hosts }: HttpListen): EntryKind {
  return {
    protocol: "http",
    route: (request) => {
      const name = hostOf(request);
      const resource = Object.hasOwn(hosts, name) ? hosts[name] : every;
      if (resource !== undefined) return { resource, path: request.url ?? "" };
      throw new CountersignError(
        "unknown_resource",
        "No resource has this host name here; the listener's hosts list those that there are.",
      );
    },
    isForeign: ({ name: resource, connector }) => {
      if (!isHttpTarget(connector)) throw new CountersignError("unknown_resource", `${resource} is no HTTP API.`);
      return (name, value) => !connector.mayBring(name, value);
    },
    operation: (message) => ({ kind: "http.request", ...message }),
    refusalForm: problem,
    tellsWhere: true,
  };
}

function hostOf({ headers: { host = "" } }: IncomingMessage): string {
  return host.replace(/:\d*$/, "").toLowerCase();
}
