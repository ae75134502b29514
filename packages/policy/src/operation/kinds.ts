import type { LineOperation, Operation } from "../action.ts";
import type { Kind, OperationKind, OperationPart, Operations } from "./kind.ts";
import { mcpCall } from "./mcp-call.ts";
import type { OperationCases, OperationMessage } from "./message.ts";
import { postgresQuery } from "./postgres-query.ts";
import { httpRequest, kubernetesRequest } from "./request.ts";
import { sshExec, sshFile, sshSubsystem } from "./ssh.ts";

/** Every kind of operation. */
const kinds: { readonly [K in Kind]: OperationKind<K> } = {
  "postgres.query": postgresQuery,
  "ssh.exec": sshExec,
  "ssh.file": sshFile,
  "ssh.subsystem": sshSubsystem,
  "kubernetes.request": kubernetesRequest,
  "http.request": httpRequest,
  "mcp.call": mcpCall,
};

const kindOf = {
  postgresQuery: "postgres.query",
  sshExec: "ssh.exec",
  sshFile: "ssh.file",
  sshSubsystem: "ssh.subsystem",
  kubernetesRequest: "kubernetes.request",
  httpRequest: "http.request",
  mcpCall: "mcp.call",
} as const satisfies { [K in Kind as OperationCases[K]["$case"]]: K };

/** An operation for the wire. Absent for a plan, which is told line by line. */
export function operationMessage(operation: LineOperation): OperationMessage;
export function operationMessage(operation: Operation): OperationMessage | undefined;
export function operationMessage(operation: Operation): OperationMessage | undefined {
  return operation.kind === "plan" ? undefined : { operation: written(operation.kind, operation) };
}

/**
 * An operation from the wire, which is untrusted input. Undefined when there is none of a known kind.
 *
 * @throws {CountersignError} `invalid_request`, `invalid_parameter`.
 */
export function readOperationMessage(message: OperationMessage | undefined): LineOperation | undefined {
  const given = message?.operation;
  return given === undefined ? undefined : read(kindOf[given.$case], given.value);
}

/** An operation as one text for people: the statement, the command, the request line, the tool with its arguments, a plan's lines. Not escaped. */
export function operationText(operation: Operation): string {
  if (operation.kind !== "plan") return told(operation.kind, operation);
  const lines = operation.lines.map((line, index) => `${index + 1}. ${line.resource}: ${operationText(line.operation)}`);
  return [`plan of ${operation.lines.length}`, ...lines].join("\n");
}

/** All of an operation, part by part. */
export function operationParts(operation: LineOperation): readonly OperationPart[] {
  return apart(operation.kind, operation);
}

function written<K extends Kind>(kind: K, operation: Operations[K]): OperationCases[K] {
  return kinds[kind].write(operation);
}

function read<K extends Kind>(kind: K, message: OperationCases[K]["value"]): Operations[K] {
  return kinds[kind].read(message);
}

function told<K extends Kind>(kind: K, operation: Operations[K]): string {
  return kinds[kind].text(operation);
}

function apart<K extends Kind>(kind: K, operation: Operations[K]): readonly OperationPart[] {
  return kinds[kind].parts(operation);
}
