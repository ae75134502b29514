import { createServer, request, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { parse } from "node:querystring";
import { classify, type HttpFacts } from "@countersign/policy";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** What a server made of a request. */
interface Seen {
  readonly method: string;
  readonly pathname: string;
  readonly decoded: string;
  readonly query: Record<string, string[]>;
  readonly legacyQuery: Record<string, string | string[]>;
  readonly body: string;
}

let server: Server;
let port: number;
beforeAll(async () => {
  server = createServer((incoming, answer) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      try {
        const url = new URL(incoming.url ?? "", "http://host");
        const query = Object.fromEntries(
          [...new Set(url.searchParams.keys())].map((name) => [name, url.searchParams.getAll(name)]),
        );
        const seen: Seen = {
          method: incoming.method ?? "",
          pathname: url.pathname,
          decoded: decodeURIComponent(url.pathname),
          query,
          legacyQuery: { ...parse(url.search.slice(1)) } as Seen["legacyQuery"],
          body: Buffer.concat(chunks).toString(),
        };
        answer.end(JSON.stringify(seen));
      } catch {
        answer.writeHead(400).end();
      }
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
});

/** Sends bytes as they are and gives the answers that come back. */
function exchange(bytes: string): Promise<string> {
  return new Promise((done, failed) => {
    const socket = connect(port, "127.0.0.1", () => socket.end(Buffer.from(bytes, "latin1")));
    let answers = "";
    socket.on("data", (chunk) => {
      answers += chunk.toString();
    });
    socket.on("close", () => done(answers));
    socket.on("error", failed);
  });
}

async function seen(target: string): Promise<Seen | undefined> {
  const answers = await exchange(`GET ${target} HTTP/1.1\r\nHost: host\r\nConnection: close\r\n\r\n`);
  return /^HTTP\/1.1 200/.test(answers) ? JSON.parse(answers.slice(answers.indexOf("{"))) : undefined;
}

function factsOf(target: string): HttpFacts | undefined {
  try {
    const facts = classify({ kind: "http.request", method: "GET", path: target, headers: [] }, { searchPath: [] });
    return facts.protocol === "http" ? facts.http : undefined;
  } catch {
    return undefined;
  }
}

/** Every target of some pieces, up to three of them. */
const pieces = [
  "/",
  "/a",
  "/admin",
  "/%61dmin",
  "/..",
  "/.",
  "/%2e%2e",
  "/%2E",
  "%2f",
  "\\",
  "//",
  "/;",
  ";x",
  "/..;",
  "%20",
  "%00",
  "%25",
  "%c3%a9",
  "%ff",
  "?a=1",
  "#",
];
const targets = pieces.flatMap((a) => [a, ...pieces.flatMap((b) => [a + b, ...pieces.map((c) => a + b + c)])]);

describe("http-smuggle", () => {
  test("what is not refused or opaque is read by a server as the facts say", async () => {
    let read = 0;
    for (const target of targets) {
      const facts = factsOf(target);
      if (!facts || facts.opaque) continue;
      const by = await seen(target);
      expect(by, target).toBeDefined();
      expect(by?.decoded, target).toBe(facts.path);
      expect(by?.query, target).toEqual(facts.query);
      read++;
    }
    expect(read).toBeGreaterThan(20);
  });

  test("nothing that a server routes to /admin passes for another path", async () => {
    const routed: string[] = [];
    for (const target of targets.filter((one) => /adm|%61/.test(one))) {
      const by = await seen(target);
      if (by && [by.pathname, by.decoded].some((path) => /^\/+admin/.test(path))) routed.push(target);
    }
    expect(routed.length).toBeGreaterThan(50);
    for (const target of routed) {
      const facts = factsOf(target);
      expect(!facts || facts.opaque || facts.path.startsWith("/admin"), target).toBe(true);
    }
  });

  test("queries are read as two parsers of a server read them", async () => {
    const parts = [
      "a=1",
      "a=2",
      "b",
      "c=",
      "d=x+y",
      "e=%2B%26%3D",
      "f=%C3%A9",
      "g=a=b?/",
      "%68=1",
      "__proto__=1",
      "",
      "i=%",
      "j=%ff",
      "k[]=1",
      "l=1;m=2",
    ];
    let read = 0;
    for (const query of parts.flatMap((one) => parts.flatMap((two) => parts.map((three) => `${one}&${two}&${three}`)))) {
      const facts = factsOf(`/?${query}`);
      if (!facts || facts.opaque) continue;
      read++;
      const by = await seen(`/?${query}`);
      expect(by?.query, query).toEqual(facts.query);
      const lists = Object.entries(by?.legacyQuery ?? {}).map(([name, value]) => [name, Array.isArray(value) ? value : [value]]);
      expect(Object.fromEntries(lists), query).toEqual(facts.query);
    }
    expect(read).toBeGreaterThan(300);
  });

  test("headers that are not refused make one request, also when they are written to the wire as they are", async () => {
    const body = "GET /admin HTTP/1.1\r\nHost: host\r\n\r\n";
    const lists: (readonly [string, string])[][] = [
      [],
      [["Content-Length", "0"]],
      [["Content-Length", String(body.length)]],
      [["Transfer-Encoding", "chunked"]],
      [["Transfer-Encoding", "xchunked"]],
      [
        ["Content-Length", "0"],
        ["Transfer-Encoding", "chunked"],
      ],
      [
        ["Content-Length", "0"],
        ["Content-Length", String(body.length)],
      ],
      [["X-A", "b\r\nContent-Length: 0"]],
      [["X-A", "b\nTransfer-Encoding: chunked"]],
      [["X-A", "b\r\n\r\nGET /admin HTTP/1.1\r\nHost: host"]],
      [["X-A\r\nContent-Length", "0"]],
      [["Content-Length ", "0"]],
      [["X-A", "b\u010d\u010aContent-Length: 0"]],
    ];
    let taken = 0;
    for (const headers of lists) {
      try {
        classify({ kind: "http.request", method: "POST", path: "/a", headers, body: { text: body } }, { searchPath: [] });
      } catch {
        continue;
      }
      taken++;
      const own = Object.fromEntries(headers.filter(([name]) => !/^(?:content-length|transfer-encoding)$/i.test(name)));
      const answers = await send({ ...own, "Content-Length": String(body.length) }, body);
      expect(answers).toMatchObject({ method: "POST", pathname: "/a", body });
    }
    expect(taken).toBe(3);
  });
});

function send(headers: Record<string, string>, body: string): Promise<unknown> {
  return new Promise((done, failed) => {
    const sent = request({ host: "127.0.0.1", port, method: "POST", path: "/a", headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        text += chunk;
      });
      answer.on("end", () => done(JSON.parse(text)));
    });
    sent.on("error", failed);
    sent.end(body);
  });
}
