import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect } from "node:net";
import type { Operation } from "@countersign/policy";
import { expect, test } from "vitest";
import type { GuardedResource } from "../../../resources.ts";
import type { Connector, Dispatch } from "../../connector.ts";
import { ClientUpgrade } from "./client-upgrade.ts";
import { UpgradeConnection } from "./upgrade-connection.ts";
import type { UpgradeKind, UpgradeWay } from "./upgrade-kind.ts";

const exec: Operation = { kind: "kubernetes.request", method: "GET", path: "/api/v1/namespaces/a/pods/b/exec", headers: [] };
const idle: Dispatch = {
  prepare: async () => null,
  run: async () => ({ state: "succeeded", rows: 0, bytes: 0, durationMs: 0 }),
  close: async () => {},
};
const connector: Connector = {
  target: () => ({ type: "kubernetes", address: "https://cluster.test" }),
  accept: () => {},
  dispatch: () => idle,
  resolve: () => Promise.reject(new Error("not asked")),
  close: async () => {},
};
const resource: GuardedResource = { name: "prod", type: "kubernetes", labels: {}, roles: ["writer"], connector };

/** A client that waits for its WebSocket, on a connection of its own. */
async function waiting() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  socket.write("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  const [request] = (await once(server, "upgrade")) as [IncomingMessage];
  const client = new ClientUpgrade(request);
  return {
    client,
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function kind(began: UpgradeWay[]): UpgradeKind {
  return {
    protocols: (offered) => offered,
    accept: () => {},
    dispatch: (_resource, _operation, way) => {
      began.push(way);
      return idle;
    },
  };
}

test("a client's connection runs one session: a second that knows its name finds it used, also when the first has ended", async () => {
  await using one = await waiting();
  const began: UpgradeWay[] = [];
  const own = new UpgradeConnection(kind(began), resource, one.client);
  const options = { signal: new AbortController().signal, readOnly: false };
  const first = own.dispatch(exec, "writer", {}, options);
  const again = () => own.dispatch(exec, "writer", {}, options);
  expect(again).toThrow(expect.objectContaining({ code: "cancelled", message: expect.stringContaining("nothing ran") }));
  await first.run(() => {});
  await first.close();
  expect(again).toThrow(expect.objectContaining({ code: "cancelled" }));
  expect(began.map(({ role, client }) => [role, client])).toEqual([["writer", one.client]]);
});

test("what runs on it ends with its client, and with a cut, which is told apart", async () => {
  await using one = await waiting();
  const began: UpgradeWay[] = [];
  const own = new UpgradeConnection(kind(began), resource, one.client);
  own.dispatch(exec, "writer", {}, { signal: new AbortController().signal, readOnly: false });
  expect([own.isCut, began[0]?.options.signal.aborted]).toEqual([false, false]);
  own.cut("The sidecar is shutting down.");
  expect([own.isCut, began[0]?.options.signal.aborted]).toEqual([true, true]);
  expect(one.client.signal.reason).toBe("The sidecar is shutting down.");
});
