import type { Operation } from "./action.ts";

/** An operation as one text for people: the statement, the command, the request line, the tool with its arguments, a plan's lines. Not escaped. */
export function operationText(operation: Operation): string {
  switch (operation.kind) {
    case "postgres.query":
      return operation.statement;
    case "ssh.exec":
      return operation.command;
    case "ssh.subsystem":
      return `subsystem ${operation.subsystem}`;
    case "kubernetes.request":
    case "http.request":
      return `${operation.method} ${operation.path}`;
    case "mcp.call":
      return `${operation.server}/${operation.tool} ${JSON.stringify(operation.arguments)}`;
    case "plan":
      return [
        `plan of ${operation.lines.length}`,
        ...operation.lines.map((line, index) => `${index + 1}. ${line.resource}: ${operationText(line.operation)}`),
      ].join("\n");
  }
}
