import type { Instance } from "../../harness/instance.ts";

/** One of the ways that are compared, all to one server. */
export interface Way {
  readonly name: string;
  readonly port: number;
  /** Lines that every request needs. */
  readonly headers: readonly string[];
}

/** The way through an instance's HTTP listener, as an agent with a token. */
export async function wayThrough(instance: Instance): Promise<Way> {
  const { stdout, stderr, code } = await instance.cli("token", "--subject", "bench");
  if (code !== 0) throw new Error(stderr);
  const { port } = new URL(instance.at.http[0]?.url ?? "");
  return { name: "Countersign", port: Number(port), headers: [`Authorization: Bearer ${stdout.trim()}`] };
}
