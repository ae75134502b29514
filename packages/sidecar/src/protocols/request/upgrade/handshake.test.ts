import { CountersignError } from "@countersign/policy";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Field } from "../fields.ts";
import { asksForWebSocket, boundFields, readHandshake } from "./handshake.ts";

const get = { method: "GET", httpVersion: "1.1" };
const none = Buffer.alloc(0);
const exact: readonly Field[] = [
  ["Host", "a"],
  ["Upgrade", "WebSocket"],
  ["Connection", "keep-alive, Upgrade"],
  ["Sec-WebSocket-Version", "13"],
  ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
];
const without = (name: string) => exact.filter(([given]) => given !== name);
const but = (name: string, value: string): readonly Field[] => [...without(name), [name, value]];

test("the handshake of RFC 6455 §1.3 is taken; what it offers is read, extensions are not", () => {
  expect(readHandshake(get, exact, none)).toEqual({ protocols: [] });
  const offers: readonly Field[] = [
    ...exact,
    ["sec-websocket-protocol", "chat, superchat"],
    ["Sec-WebSocket-Protocol", "SPDY/3.1+portforward.k8s.io"],
    ["Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"],
    ["Origin", "http://example.com"],
  ];
  const { protocols } = readHandshake(get, offers, none);
  expect(protocols).toEqual(["chat", "superchat", "SPDY/3.1+portforward.k8s.io"]);
  expect(boundFields(offers, protocols)).toEqual([
    ["Upgrade", "websocket"],
    ["Sec-WebSocket-Protocol", "chat, superchat, SPDY/3.1+portforward.k8s.io"],
    ["Host", "a"],
    ["Origin", "http://example.com"],
  ]);
});

test.each<[string, readonly Field[]]>([
  ...without("Host").map(([name]) => [`without ${name}`, without(name)] as [string, readonly Field[]]),
  ...without("Host").map((field) => [`with ${field[0]} twice`, [...exact, field]] as [string, readonly Field[]]),
  ["with another protocol beside it", but("Upgrade", "websocket, h2c")],
  ["with a version of the protocol", but("Upgrade", "websocket/13")],
  ["that takes away a header", but("Connection", "Upgrade, X-Tenant")],
  ["that is closed", but("Connection", "Upgrade, close")],
  ["without upgrading", but("Connection", "keep-alive")],
  ["of version 8", but("Sec-WebSocket-Version", "8")],
  ["of two versions", but("Sec-WebSocket-Version", "13, 8")],
  ["with a short key", but("Sec-WebSocket-Key", "dGhlIHNhbXBsZQ==")],
  ["with a key in another form", but("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZR==")],
  ["with a key in base64url", but("Sec-WebSocket-Key", "_-_-_-_-_-_-_-_-_-_-_A==")],
  ["with a subprotocol twice", [...exact, ["Sec-WebSocket-Protocol", "chat, chat"]]],
  ["with an empty subprotocol", [...exact, ["Sec-WebSocket-Protocol", "chat,"]]],
  ["with a quoted subprotocol", [...exact, ["Sec-WebSocket-Protocol", '"chat"']]],
  ["with many subprotocols", [...exact, ["Sec-WebSocket-Protocol", Array.from({ length: 21 }, (_, i) => `p${i}`).join(",")]]],
  ["with an answer's header", [...exact, ["Sec-WebSocket-Accept", "x"]]],
  ...["Content-Length", "Transfer-Encoding", "Expect", "TE", "Trailer"].map(
    (name) => [`with ${name}`, [...exact, [name, "0"]]] as [string, readonly Field[]],
  ),
])("one %s is refused", (_, fields) => {
  expect(() => readHandshake(get, fields, none)).toThrow(expect.objectContaining({ code: "invalid_request" }));
});

test("another method, another version of HTTP and bytes behind it are refused", () => {
  for (const request of [
    { ...get, method: "POST" },
    { ...get, method: "get" },
    { ...get, httpVersion: "1.0" },
  ])
    expect(() => readHandshake(request, exact, none)).toThrow(/RFC 6455/);
  expect(() => readHandshake(get, exact, Buffer.from([0x81]))).toThrow(/before the WebSocket was open/);
});

test("whoever might be taken for one by some server is read here, and nowhere else", () => {
  for (const upgrade of ["websocket", "WebSocket", "h2c, websocket", "websocket/13", " websocket "])
    expect(asksForWebSocket({ headers: { upgrade } })).toBe(true);
  for (const upgrade of ["h2c", "TLS/1.0", "SPDY/3.1", "websockets", ""])
    expect(asksForWebSocket({ headers: { upgrade } })).toBe(false);
});

test("whatever is sent is read, or refused with the typed error", () => {
  const name = fc.constantFrom(...exact.map(([given]) => given), "Sec-WebSocket-Protocol", "X-A", "Sec-WebSocket-Foo");
  const value = fc.oneof(
    fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
    fc.constantFrom(...exact.map(([, given]) => given), "a, b", ",", " "),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 8 }), (fields) => {
      try {
        const { protocols } = readHandshake(get, [...exact, ...fields], none);
        expect(fields.every(([given]) => given === "Sec-WebSocket-Protocol" || given === "X-A" || given === "Host")).toBe(true);
        expect(new Set(protocols).size).toBe(protocols.length);
      } catch (error) {
        expect(error instanceof CountersignError && error.code).toBe("invalid_request");
      }
    }),
    { numRuns: 100 },
  );
});
