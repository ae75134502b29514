import type { Instance } from "../../harness/instance.ts";
import type { Way } from "./pgbench.ts";

/** The way through an instance's PostgreSQL listener, as an agent with a token. */
export async function wayThrough(instance: Instance, role: string): Promise<Way> {
  const { stdout, stderr, code } = await instance.cli("token", "--subject", "pgbench");
  if (code !== 0) throw new Error(stderr);
  const [host = "", port = ""] = instance.at.postgres[0]?.address.split(":") ?? [];
  return { name: "Countersign", host, port: Number(port), database: "orders-db", user: role, password: stdout.trim() };
}
