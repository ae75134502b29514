import type { IncomingMessage } from "node:http";
import { CountersignError, isCredentialHeader } from "@countersign/policy";
import type { OpenNative } from "../../native/listener.ts";
import type { GuardedResource } from "../../resources.ts";
import type { EntryKind } from "../request/entry/entry-kind.ts";
import { type EntryBounds, type ListenAt, listenForRequests } from "../request/entry/listening.ts";
import type { UpgradeKind } from "../request/upgrade/upgrade-kind.ts";
import { type HttpTarget, isHttpTarget } from "./connector.ts";
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
    isForeign: (resource) => {
      const target = targetOf(resource);
      return (name, value) => !target.mayBring(name, value);
    },
    streamsTo: targetOf,
    operation: (message) => ({ kind: "http.request", ...message }),
    upgrade: webSockets,
    refusalForm: problem,
    tellsWhere: true,
  };
}

const webSockets: UpgradeKind = {
  protocols: (offered) => {
    const credential = offered.find((one) => isCredentialHeader("sec-websocket-protocol", one));
    if (credential === undefined) return offered;
    throw new CountersignError(
      "invalid_request",
      "A subprotocol is a credential. Send the agent's token as Authorization: Bearer TOKEN.",
    );
  },
  accept: (resource, operation, facts) => targetOf(resource).acceptStreamed(operation, facts),
  dispatch: (resource, operation, way) => targetOf(resource).upgrade(operation, way),
};

function targetOf({ name, connector }: GuardedResource): HttpTarget {
  if (isHttpTarget(connector)) return connector;
  throw new CountersignError("unknown_resource", `${name} is no HTTP API.`);
}

function hostOf({ headers: { host = "" } }: IncomingMessage): string {
  return host.replace(/:\d*$/, "").toLowerCase();
}
