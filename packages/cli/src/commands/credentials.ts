import { CliError, type ExitCode, exitCodes } from "../exit.ts";
import { dataFolder, type InstanceOptions } from "../instance.ts";
import { readSecret } from "../terminal/prompt.ts";
import { line, type Terminal } from "../terminal/terminal.ts";

import { action, describe, type MakeCommand, withInstance } from "./command.ts";

/** `countersign credentials` */
export const credentialsCommand: MakeCommand = (context) => {
  const { terminal } = context;
  const parent = describe(
    "credentials",
    "manage the encrypted credential store",
    "The credential store of the data folder. A resource names an entry of it as `password: { store: NAME }`.",
  );
  parent.addCommand(
    withInstance(
      describe(
        "set <NAME>",
        "store a secret",
        "Stores a secret: asked for without echo, or read from standard input. It replaces an older one of that name.",
        [["countersign credentials set orders-writer"], ["pass show orders/writer | countersign credentials set orders-writer"]],
      ),
    ).action(action(context, (name: string, options: InstanceOptions) => set(terminal, name, options))),
  );
  parent.addCommand(
    withInstance(
      describe("list", "list the names of the secrets", "Lists the names of the stored secrets; never what they are.", [
        ["countersign credentials list"],
      ]),
    ).action(action(context, (options: InstanceOptions) => list(terminal, options))),
  );
  parent.addCommand(
    withInstance(
      describe("remove <NAME>", "remove a secret", "Removes a secret from the store.", [
        ["countersign credentials remove orders-writer"],
      ]),
    ).action(action(context, (name: string, options: InstanceOptions) => remove(terminal, name, options))),
  );
  return parent;
};

async function set(terminal: Terminal, name: string, options: InstanceOptions): Promise<ExitCode> {
  const value = await readSecret(terminal, `Secret for ${name} (not shown): `);
  if (value === "") throw new CliError(exitCodes.usage, "The secret is empty; nothing was stored.");
  const [{ openStore }, { Secret }] = await Promise.all([import("../credential-store.ts"), import("@countersign/sidecar")]);
  const store = await openStore(dataFolder(terminal, options));
  await store.set(name, new Secret(value));
  line(terminal.stderr, `Stored. Name it in a resource as \`password: { store: ${name} }\`.`);
  return exitCodes.ok;
}

async function list(terminal: Terminal, options: InstanceOptions): Promise<ExitCode> {
  const { openStore } = await import("../credential-store.ts");
  const names = await (await openStore(dataFolder(terminal, options))).list();
  for (const name of names) line(terminal.stdout, name);
  if (names.length === 0) line(terminal.stderr, "The store is empty.");
  return exitCodes.ok;
}

async function remove(terminal: Terminal, name: string, options: InstanceOptions): Promise<ExitCode> {
  const { openStore } = await import("../credential-store.ts");
  const store = await openStore(dataFolder(terminal, options));
  if (!(await store.remove(name))) {
    throw new CliError(
      exitCodes.failure,
      `The store has no secret ${JSON.stringify(name)}. \`countersign credentials list\` shows those that it has.`,
    );
  }
  line(terminal.stderr, "Removed.");
  return exitCodes.ok;
}
