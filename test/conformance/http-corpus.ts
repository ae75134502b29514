/** Makes the head of a request that is let in: a request line, the listener's host, the agent's token, more lines. */
export type Head = (line: string, ...more: readonly string[]) => string;

/** What must never be run: it follows requests whose end servers read differently. */
export const smuggled = "DELETE /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

/** Requests with two readings, or that say something else than they look like; each is refused (THREATS.md http-smuggle). */
export const httpCorpus: readonly (readonly [name: string, text: (head: Head) => string])[] = [
  [
    "Content-Length with Transfer-Encoding",
    (head) => `${head("POST /echo HTTP/1.1", "Content-Length: 4", "Transfer-Encoding: chunked")}0\r\n\r\n${smuggled}`,
  ],
  ["two lengths", (head) => `${head("POST /echo HTTP/1.1", "Content-Length: 0", "Content-Length: 40")}${smuggled}`],
  ["a list of lengths", (head) => `${head("POST /echo HTTP/1.1", "Content-Length: 0, 40")}${smuggled}`],
  ["a signed length", (head) => `${head("POST /echo HTTP/1.1", "Content-Length: +0")}${smuggled}`],
  ["a disguised coding", (head) => `${head("POST /echo HTTP/1.1", "Transfer-Encoding: xchunked")}0\r\n\r\n${smuggled}`],
  [
    "a coding after chunked",
    (head) => `${head("POST /echo HTTP/1.1", "Transfer-Encoding: chunked, identity")}0\r\n\r\n${smuggled}`,
  ],
  ["a space before the colon", (head) => `${head("POST /echo HTTP/1.1", "Content-Length : 40")}${smuggled}`],
  ["obsolete folding", (head) => head("GET /orders HTTP/1.1", "X-A: b\r\n Transfer-Encoding: chunked")],
  ["a bare line feed", (head) => head("GET /orders HTTP/1.1", "X-A: b\nX-Http-Method: DELETE")],
  ["a bare carriage return", (head) => head("GET /orders HTTP/1.1", "X-A: b\rX-B: c")],
  ["NUL in a value", (head) => head("GET /orders HTTP/1.1", "X-A: b\0c")],
  ["NUL in the path", (head) => head("GET /orders\0/x HTTP/1.1")],
  ["a tab in the path", (head) => head("GET /orders\t/x HTTP/1.1")],
  ["two hosts", (head) => head("GET /orders HTTP/1.1", "Host: admin.internal")],
  ["no host", () => "GET /orders HTTP/1.1\r\n\r\n"],
  ["absolute form with another authority", (head) => head("GET http://169.254.169.254/latest HTTP/1.1")],
  ["authority form", (head) => head("CONNECT admin.internal:443 HTTP/1.1")],
  ["asterisk form", (head) => head("OPTIONS * HTTP/1.1")],
  ["dot segments", (head) => head("GET /public/../admin HTTP/1.1")],
  ["encoded dot segments", (head) => head("GET /public/%2e%2e/admin HTTP/1.1")],
  ["encoded twice", (head) => head("GET /public/%252e%252e/admin HTTP/1.1")],
  ["an encoded slash", (head) => head("GET /public%2fadmin HTTP/1.1")],
  ["an empty segment", (head) => head("GET //admin HTTP/1.1")],
  ["a backslash", (head) => head("GET /public\\admin HTTP/1.1")],
  ["a fragment", (head) => head("GET /public#/admin HTTP/1.1")],
  ["a method override", (head) => head("GET /orders HTTP/1.1", "X-HTTP-Method-Override: DELETE")],
  ["a method override in the query", (head) => head("GET /orders?_method=DELETE HTTP/1.1")],
  ["a path override", (head) => head("GET /orders HTTP/1.1", "X-Original-URL: /admin")],
  ["a header taken away", (head) => head("GET /orders HTTP/1.1", "X-Tenant: a", "Connection: close, X-Tenant")],
  ["another protocol", (head) => head("GET /orders HTTP/1.1", "Connection: Upgrade", "Upgrade: h2c")],
  [
    "trailers",
    (head) =>
      `${head("POST /echo HTTP/1.1", "Content-Type: text/plain", "Transfer-Encoding: chunked", "Trailer: X-A")}1\r\na\r\n0\r\nX-A: b\r\n\r\n`,
  ],
  [
    "a chunk with a sign",
    (head) => `${head("POST /echo HTTP/1.1", "Transfer-Encoding: chunked")}+1\r\na\r\n0\r\n\r\n${smuggled}`,
  ],
  [
    "a chunk that is too large for a number",
    (head) => `${head("POST /echo HTTP/1.1", "Transfer-Encoding: chunked")}ffffffffffffffff1\r\na\r\n0\r\n\r\n${smuggled}`,
  ],
  ["HTTP/2 in the clear", () => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  ["HTTP/0.9", () => "GET /orders\r\n\r\n"],
  ["chunks in HTTP/1.0", (head) => `${head("POST /echo HTTP/1.0", "Transfer-Encoding: chunked")}0\r\n\r\n${smuggled}`],
  ["an underscore for a dash", (head) => head("GET /orders HTTP/1.1", "X_Tenant: b")],
];
