import { isUtf8 } from "node:buffer";
import { bodyBytes, type Evidence, type FileAttributes, type SshFile } from "@countersign/policy";
import type { EvidenceSource, EvidenceWish } from "../../evidence/evidence-source.ts";
import { lineDifference } from "../../evidence/line-difference.ts";
import { openSshConnector, type SshConnectorOptions } from "./connector.ts";
import { PresentFile } from "./present-file.ts";
import type { SshResource } from "./resource.ts";

type Found = Omit<Evidence, "timeMs" | "kind">;

/** More of a difference is not shown, lines and characters. */
const mostLines = 2000;
const mostCharacters = 128 * 1024;

/** Opens the way to evidence about file operations: what the files are now, read with a login that is for that. Without one there is none. */
export function openSshEvidence(resource: SshResource, options: SshConnectorOptions): EvidenceSource | undefined {
  return resource.evidence && new SshEvidence(resource, resource.evidence.role, options);
}

class SshEvidence implements EvidenceSource {
  readonly #resource: SshResource;
  readonly #role: string;
  readonly #options: SshConnectorOptions;

  constructor(resource: SshResource, role: string, options: SshConnectorOptions) {
    // One connection for each question, none ahead.
    this.#resource = { ...resource, connections: { ...resource.connections, max: 1 } };
    this.#role = role;
    this.#options = options;
  }

  async gather({ kind, operation }: EvidenceWish, signal: AbortSignal): Promise<Omit<Evidence, "timeMs">> {
    if (operation.kind !== "ssh.file")
      return { kind, failure: "What a command does is found out only by running it.", notes: [] };
    const connector = openSshConnector(this.#resource, this.#options);
    try {
      return { kind, ...(await change(operation, new PresentFile(connector, this.#role, operation.path, signal))) };
    } catch (error) {
      return { kind, failure: `It could not be found out: ${error instanceof Error ? error.message : "an error"}`, notes: [] };
    } finally {
      await connector.close();
    }
  }
}

async function change(operation: SshFile, present: PresentFile): Promise<Found> {
  const { action, content, attributes = {} } = operation;
  if (action === "write" || action === "append") {
    const before = await present.attributes();
    const bytes = content === undefined ? Buffer.alloc(0) : bodyBytes(content);
    const permissions = attributeLines(before ?? {}, attributes);
    if (before === undefined) return text("", bytes, permissions, ["There is no such file now."]);
    const old = await present.content(before);
    return text(old, action === "append" ? Buffer.concat([old, bytes]) : bytes, permissions, []);
  }
  if (action === "set-attributes") {
    const before = await present.attributes();
    if (before === undefined) return { failure: "There is no such file now.", notes: [] };
    return lines(attributeLines(before, attributes), []);
  }
  if (action === "remove" || action === "remove-directory") {
    const before = await present.attributes();
    if (before === undefined) return { failure: "There is nothing of that name now.", notes: [] };
    return lines([`-${operation.path} (${before.size ?? 0} bytes, ${permissionsOf(before)})`], []);
  }
  return { failure: `What ${action} would change is not looked into.`, notes: [] };
}

function text(before: Buffer | "", after: Buffer, permissions: readonly string[], notes: readonly string[]): Found {
  const old = before === "" ? Buffer.alloc(0) : before;
  if (old.equals(after)) return lines([...permissions, ` (the same content, ${after.length} bytes)`], notes);
  const binary = [old, after].some((bytes) => bytes.includes(0) || !isUtf8(bytes));
  if (!binary) return lines([...permissions, ...lineDifference(old.toString(), after.toString())], notes);
  const sizes = `It is no text, so that it cannot be shown line by line: ${old.length} bytes now, ${after.length} afterwards.`;
  return { ...lines(permissions, notes), failure: sizes };
}

function lines(all: readonly string[], notes: readonly string[]): Found {
  if (all.length === 0) return { notes };
  const whole = all.join("\n");
  const shown = all.slice(0, mostLines).join("\n").slice(0, mostCharacters);
  if (shown.length === whole.length) return { difference: whole, notes };
  return { difference: shown, failure: `Only a part of the difference is shown: it has ${all.length} lines.`, notes };
}

function attributeLines(before: FileAttributes, after: FileAttributes): readonly string[] {
  const told: [string, string | undefined, string | undefined][] = [
    [
      "permissions",
      before.mode === undefined ? undefined : permissionsOf(before),
      after.mode === undefined ? undefined : permissionsOf(after),
    ],
    ["owner", before.uid?.toString(), after.uid?.toString()],
    ["group", before.gid?.toString(), after.gid?.toString()],
    ["size", before.size?.toString(), after.size?.toString()],
  ];
  return told.flatMap(([name, old, fresh]) => {
    if (fresh === undefined || fresh === old) return [];
    return [...(old === undefined ? [] : [`-${name} ${old}`]), `+${name} ${fresh}`];
  });
}

function permissionsOf({ mode = 0 }: FileAttributes): string {
  return (mode & 0o7777).toString(8).padStart(4, "0");
}
