import { X509Certificate } from "node:crypto";
import type { DetailedPeerCertificate, TLSSocket } from "node:tls";
import type { Principal } from "@countersign/policy";

/** Makes the error of a protocol, for its client. */
export type RefuseCertificate = (message: string, hint?: string) => Error;

/**
 * Who a client's certificate says it is: its one SPIFFE ID (X.509-SVID §2), else its common name. The issuer is the authority at the top of its
 * chain, by fingerprint, so that the same name of two authorities is two principals.
 *
 * @returns undefined when it showed none.
 * @throws {Error} of `refuse`, for one that does not verify, or names nobody. It never falls back to a token.
 */
export function certificatePrincipal(socket: TLSSocket, refuse: RefuseCertificate): Principal | undefined {
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) return undefined;
  if (!socket.authorized) {
    const why = String(socket.authorizationError ?? "it does not verify");
    throw refuse(
      `the client certificate is refused (${why})`,
      "Use one that the listener's clientCa has signed and that is valid now.",
    );
  }
  const subject = spiffeId(leaf, refuse) ?? commonName(socket);
  if (subject === undefined) {
    throw refuse("the client certificate names nobody", "It needs one SPIFFE ID, or a common name.");
  }
  const claims = { fingerprint: leaf.fingerprint256, serial: leaf.serialNumber, subject: leaf.subject };
  return { issuer: `x509:${rootOf(socket.getPeerCertificate(true))}`, subject, groups: [], claims };
}

/** Throws for several: whose certificate is it? */
function spiffeId({ subjectAltName = "" }: X509Certificate, refuse: RefuseCertificate): string | undefined {
  const found = [...subjectAltName.matchAll(/(?:^|, )URI:(spiffe:\/\/[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)+)(?=, |$)/g)].map(
    ([, id]) => id,
  );
  if (found.length > 1) throw refuse("the client certificate has several SPIFFE IDs");
  return found[0];
}

function commonName(socket: TLSSocket): string | undefined {
  const { CN } = socket.getPeerCertificate().subject;
  // Several of them come as a list.
  return typeof CN === "string" && CN !== "" ? CN : undefined;
}

function rootOf(leaf: DetailedPeerCertificate): string {
  let top = leaf;
  while (top.issuerCertificate !== undefined && top.issuerCertificate !== top) top = top.issuerCertificate;
  return new X509Certificate(top.raw).fingerprint256.replaceAll(":", "").toLowerCase();
}
