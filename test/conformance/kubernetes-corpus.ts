import type { Head } from "./http-corpus.ts";

const pods = "/api/v1/namespaces/shop/pods";
const pod = `${pods}/web-0`;
const json = "Content-Type: application/json";

function withBody(head: Head, line: string, body: string, ...more: readonly string[]): string {
  return `${head(line, json, `Content-Length: ${Buffer.byteLength(body)}`, ...more)}${body}`;
}

/**
 * Requests that say to the API server something else than they look like, or speak as somebody else. Each is refused, also where policy allows
 * everything (THREATS.md k8s-path, k8s-wide, k8s-retry).
 */
export const kubernetesCorpus: readonly (readonly [name: string, text: (head: Head) => string])[] = [
  ["impersonation as CGI reads it", (head) => head(`GET ${pods} HTTP/1.1`, "Impersonate_User: admin")],
  ["impersonation that is no text", (head) => head(`GET ${pods} HTTP/1.1`, "Impersonate-User: \xfc")],
  [
    "impersonation behind the body",
    (head) =>
      `${head(`POST ${pods} HTTP/1.1`, json, "Transfer-Encoding: chunked", "Trailer: Impersonate-User")}2\r\n{}\r\n0\r\nImpersonate-User: admin\r\n\r\n`,
  ],
  [
    "impersonation that the connection names",
    (head) => head(`GET ${pods} HTTP/1.1`, "Connection: Impersonate-User", "Impersonate-User: admin"),
  ],
  ["the user of a front proxy", (head) => head(`GET ${pods} HTTP/1.1`, "X-Remote-User: admin")],
  ["a group of a front proxy", (head) => head(`GET ${pods} HTTP/1.1`, "X-Remote-Group: system:masters")],
  ["a cookie", (head) => head(`GET ${pods} HTTP/1.1`, "Cookie: session=1")],
  ["a credential for a proxy", (head) => head(`GET ${pods} HTTP/1.1`, "Proxy-Authorization: Basic eDp5")],
  [
    "a token among the subprotocols",
    (head) =>
      head(
        `GET ${pod}/exec?command=ls&stdout=1 HTTP/1.1`,
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol: v5.channel.k8s.io, base64url.bearer.authorization.k8s.io.YQ",
      ),
  ],
  ["a slash inside a name", (head) => head(`DELETE ${pods}/web-0%2Fexec HTTP/1.1`)],
  ["dot segments in front of a name", (head) => head(`DELETE ${pods}/%2e%2e/pods/web-0 HTTP/1.1`)],
  ["out of the cluster's path", (head) => head("GET /../staging/api HTTP/1.1")],
  ["a slash after a name that is missing", (head) => head(`DELETE ${pods}/ HTTP/1.1`)],
  ["an empty segment", (head) => head("DELETE /api/v1/namespaces//pods HTTP/1.1")],
  ["a parameter of the path", (head) => head(`DELETE ${pods};x/web-0 HTTP/1.1`)],
  ["NUL", (head) => head(`GET ${pods}/web-0%00 HTTP/1.1`)],
  ["a watch that deletes", (head) => head("DELETE /api/v1/watch/namespaces/shop/pods/web-0 HTTP/1.1")],
  ["a watch of a sub-resource", (head) => head("GET /api/v1/watch/namespaces/shop/pods/web-0/exec HTTP/1.1")],
  ["a parameter twice", (head) => head(`DELETE ${pod}?dryRun=All&dryRun= HTTP/1.1`)],
  ["a semicolon between parameters", (head) => head(`DELETE ${pod}?pretty=1;dryRun=All HTTP/1.1`)],
  [
    "a dry run that the body takes back",
    (head) => withBody(head, `DELETE ${pod}?dryRun=All HTTP/1.1`, '{"kind":"DeleteOptions"}'),
  ],
  ["an unknown parameter of exec", (head) => head(`POST ${pod}/exec?command=ls&Command=sh HTTP/1.1`)],
  ["exec of nothing", (head) => head(`POST ${pod}/exec?stdout=1 HTTP/1.1`)],
  [
    "an object of another name",
    (head) =>
      withBody(head, `PUT ${pod} HTTP/1.1`, '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web-1","namespace":"shop"}}'),
  ],
  [
    "an object of another namespace",
    (head) =>
      withBody(
        head,
        `POST ${pods} HTTP/1.1`,
        '{"kind":"Pod","apiVersion":"v1","metadata":{"name":"x","namespace":"kube-system"}}',
      ),
  ],
  ["a patch of an unknown type", (head) => `${head(`PATCH ${pod} HTTP/1.1`, "Content-Type: text/plain", "Content-Length: 2")}{}`],
  ["a body where none belongs", (head) => withBody(head, `GET ${pods} HTTP/1.1`, '{"kind":"DeleteOptions"}')],
  ["a method that API servers read as another", (head) => head(`PATCH ${pod} HTTP/1.1`, "X-HTTP-Method-Override: DELETE")],
  ["SPDY", (head) => head(`POST ${pod}/exec?command=ls&stdout=1 HTTP/1.1`, "Connection: Upgrade", "Upgrade: SPDY/3.1")],
];
