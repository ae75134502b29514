import { chmod, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { CliError, exitCodes } from "./exit.ts";

const question = z.strictObject({ approver: z.string().min(1).max(256) });
const answer = z.union([z.strictObject({ url: z.string() }), z.strictObject({ error: z.string() })]);

/** What the process behind the socket can do for the operator of its data folder. */
export interface Operator {
  /**
   * A one-time link that signs an approver in to the console.
   *
   * @throws {Error} when there is no such approver.
   */
  signInLink(approver: string): string | Promise<string>;
}

/**
 * Serves the operator: whoever can open this socket owns the data folder, so it asks for nothing else. It is for what needs the running
 * process itself; everything that approvers do goes through the approver API.
 *
 * @param path of the socket, in a folder that only its owner can enter.
 */
export async function serveOperator(path: string, operator: Operator): Promise<AsyncDisposable> {
  // Left by a process that was killed; a living one holds the data folder's lock, which was taken before this.
  await rm(path, { force: true });
  const server = createServer((incoming, outgoing) => void handle(incoming, outgoing, operator));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  await chmod(path, 0o600);
  return { [Symbol.asyncDispose]: () => close(server) };
}

async function handle(incoming: IncomingMessage, outgoing: ServerResponse, operator: Operator): Promise<void> {
  const reply = (status: number, body: z.infer<typeof answer>): void => {
    outgoing.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
  try {
    if (incoming.method !== "POST" || incoming.url !== "/sign-in") return reply(404, { error: "unknown call" });
    const { approver } = question.parse(JSON.parse(await text(incoming)));
    reply(200, { url: await operator.signInLink(approver) });
  } catch (error) {
    reply(400, { error: error instanceof Error ? error.message : String(error) });
  }
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/**
 * Asks the process behind an operator's socket for a sign-in link.
 *
 * @throws {CliError} unreachable, when nothing answers; failure, when it refuses.
 */
export async function askSignInLink(path: string, approver: string): Promise<string> {
  const body = await new Promise<string>((resolve, reject) => {
    const call = request({ socketPath: path, method: "POST", path: "/sign-in" }, (response) =>
      text(response).then(resolve, reject),
    );
    call.once("error", (cause) => {
      reject(
        new CliError(exitCodes.unreachable, `Countersign does not answer at ${path}. Start it with \`countersign up\`.`, {
          cause,
        }),
      );
    });
    call.end(JSON.stringify({ approver }));
  });
  const told = answer.parse(JSON.parse(body));
  if ("url" in told) return told.url;
  throw new CliError(exitCodes.failure, told.error);
}
