import { type LookupAddress, lookup as systemLookup } from "node:dns";
import { isIP, type LookupFunction } from "node:net";
import { createSecureContext } from "node:tls";
import { CountersignError } from "@countersign/policy";
import { buildConnector, Pool } from "undici";
import { type AddressRules, addressRefusal } from "./address-rules.ts";
import type { TargetCredential } from "./credential.ts";

/** Where a resource is, and how it is reached. */
export interface UpstreamOptions {
  /** `https://host` or `https://host:port`. */
  readonly origin: string;
  readonly rules: AddressRules;
  /** Trust anchors instead of the system's, PEM. */
  readonly ca?: string;
  readonly connections: {
    readonly max: number;
    readonly idleMs: number;
    readonly connectTimeoutMs: number;
    readonly silenceMs: number;
    /** Between the parts of an answer, where that is another; 0 = for ever. */
    readonly bodySilenceMs?: number;
  };
  /** Default: the system's. */
  readonly lookup?: ResolveName;
}

/** Gives all addresses of a name. */
export type ResolveName = (
  name: string,
  options: { readonly all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** Response headers above this are not taken. */
const mostHeaderBytes = 64 * 1024;

/** Opens the connections of one role to a target: HTTP/1.1, redirects given back, addresses checked when they are connected to. */
export function openUpstream(options: UpstreamOptions, credential: Pick<TargetCredential, "certificate">): Pool {
  const { origin, connections } = options;
  return new Pool(origin, {
    ...{ connect: openConnect(options, credential), connections: connections.max, pipelining: 1, allowH2: false },
    ...{ maxHeaderSize: mostHeaderBytes, headersTimeout: connections.silenceMs },
    bodyTimeout: connections.bodySilenceMs ?? connections.silenceMs,
    ...{ keepAliveTimeout: connections.idleMs, keepAliveMaxTimeout: connections.idleMs },
  });
}

/** How one connection to a target is made, by the same rules; for what becomes something else than HTTP on it, too. */
export function openConnect(
  { rules, ca, connections, lookup = systemLookup }: Omit<UpstreamOptions, "origin">,
  { certificate }: Pick<TargetCredential, "certificate">,
): buildConnector.connector {
  const trust = { minVersion: "TLSv1.2" as const, ...(ca !== undefined && { ca }) };
  const tls = {
    ...{ allowH2: false, rejectUnauthorized: true, timeout: connections.connectTimeoutMs },
    ...{ lookup: checkedLookup(rules, lookup), ...trust },
    // Trust anchors are read once, not for every connection.
    ...(certificate === undefined && { secureContext: createSecureContext(trust) }),
    // A session that was resumed would outlive a certificate that was replaced.
    ...(certificate && { maxCachedSessions: 0 }),
  };
  const plain = buildConnector(tls);
  return (to, done) => {
    // Names are checked by the lookup; an address is not looked up.
    const host = to.hostname.replace(/^\[|\]$/g, "");
    const why = isIP(host) === 0 ? undefined : addressRefusal(host, rules);
    if (why !== undefined) return done(blocked(host, why), null);
    if (certificate === undefined) return plain(to, done);
    certificate().then(
      (identity) => buildConnector({ ...tls, ...identity })(to, done),
      (error: unknown) => done(error instanceof Error ? error : new Error("no certificate"), null),
    );
  };
}

/** A lookup whose answers are those that are connected to: there is no second one in which a name could mean something else (DNS rebinding). */
function checkedLookup(rules: AddressRules, resolve: ResolveName): LookupFunction {
  return (name, options, done) => {
    resolve(name, { ...options, all: true }, (error, addresses) => {
      if (error) return done(error, "");
      const why = addresses.map(({ address }) => addressRefusal(address, rules)).find((one) => one !== undefined);
      if (why !== undefined) return done(blocked(name, why), "");
      const [first] = addresses;
      if (options.all) done(null, addresses);
      else done(null, first?.address ?? "", first?.family);
    });
  };
}

function blocked(host: string, why: string): CountersignError {
  return new CountersignError("target_unavailable", `Nothing is sent to ${host}: ${why}.`);
}
