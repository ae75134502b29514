import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { message } from "../postgres-wire/messages.ts";
import { fieldsOf, RawClient } from "../postgres-wire/raw-client.ts";
import { openGateWorld, startGateServer } from "./world.ts";

/** CancelRequest (PostgreSQL documentation §53.7). */
const cancelCode = 80877102;
const heldMs = 200;

/** A relay to a server that holds cancels up, and tells in which order they and what has a marked text go on. */
async function slowCancels(port: number, mark: string) {
  const went: string[] = [];
  const sockets: Socket[] = [];
  const relay = createServer((client) => {
    const target = connect(port, "127.0.0.1");
    for (const socket of [client, target]) {
      sockets.push(socket.on("error", () => {}));
      socket.on("close", () => {
        client.destroy();
        target.destroy();
      });
    }
    target.on("data", (data) => client.write(data));
    client.on("data", (data) => {
      const isCancel = data.length === 16 && data.readUInt32BE(4) === cancelCode;
      if (data.includes(mark)) went.push("statement");
      setTimeout(
        () => {
          if (isCancel) went.push("cancel");
          target.write(data);
        },
        isCancel ? heldMs : 0,
      );
    });
  }).listen(0, "127.0.0.1");
  await once(relay, "listening");
  return {
    went,
    port: (relay.address() as AddressInfo).port,
    [Symbol.dispose]: () => {
      relay.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const mark = "after the cut";

test.each([
  ["a Query", [message.query(`select '${mark}'`)]],
  ["a Parse", [message.parse(`select '${mark}'`), message.bind(), message.execute(), message.sync()]],
])("pg-limits: the cancel of a result that was cut does not hit %s that follows", async (_, next) => {
  await using server = await startGateServer();
  using relay = await slowCancels(server.port, mark);
  await using world = await openGateWorld(server, { port: relay.port });
  using client = await RawClient.open(world.door);
  const cut = await client.ask(message.query("select * from many"));
  expect(fieldsOf(cut.find(({ type }) => type === "E")).C).toBe("53400");
  const answers = await client.ask(next);
  expect(answers.map(({ type }) => type).join("")).toMatch(/^(T|12)DCZ$/);
  expect(relay.went).toEqual(["cancel", "statement"]);
});
