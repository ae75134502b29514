// A read that runs at once, and a delete that waits for a person in the same call.
import { Countersign, CountersignError } from "@countersign/sdk";
import { address } from "./address.ts";

await using cs = new Countersign({ address, session: "example" });
const orders = cs.postgres("orders-db");

const { rows } = await orders.query<{ status: string; orders: number }>(
  "select status, count(*)::int as orders from orders group by status order by status",
);
for (const row of rows) console.log(`${row.status}: ${row.orders}`);

try {
  const result = await orders.query("delete from orders where status = $1", ["duplicate"], {
    reason: "The import ran twice; the duplicates are marked.",
    timeout: "10m",
    onEvent(event) {
      if (event.type === "pending") console.log(`Waiting for approval: ${event.approvalUrl}`);
      if (event.type === "vote") console.log(`${event.approver} said ${event.verdict}.`);
    },
  });
  console.log(`${result.command} ${result.rowCount}, record ${result.receipt?.logIndex} of the audit log.`);
} catch (error) {
  if (!(error instanceof CountersignError)) throw error;
  console.log(`${error.code}: ${error.message}`);
  process.exitCode = 1;
}
