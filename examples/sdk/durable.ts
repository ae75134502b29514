// A request that outlives its process. Start it, stop it with Ctrl-C, start it again: the key attaches it to the same request.
import { Countersign } from "@countersign/sdk";
import { address } from "./address.ts";

await using cs = new Countersign({ address, session: "example" });
const handle = await cs.submit(
  {
    kind: "postgres.query",
    resource: "orders-db",
    statement: "delete from orders where status = $1 returning id",
    parameters: ["duplicate"],
  },
  { reason: "The import ran twice; the duplicates are marked.", idempotencyKey: process.argv[2] ?? "cleanup-1" },
);
console.log(`${handle.id} is ${handle.status}. ${handle.approvalUrl}`);

const outcome = await handle.result<{ id: number }>();
if (outcome.state === "succeeded") console.log(`Deleted: ${outcome.rows.map(({ id }) => id).join(", ") || "nothing"}`);
else console.log(`${outcome.state}: ${outcome.error?.message}`);
