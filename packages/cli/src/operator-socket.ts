import { chmod, rm } from "node:fs/promises";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import type { PolicyStatus } from "@countersign/policy";
import { z } from "zod";
import { CliError, exitCodes } from "./exit.ts";

const problem = z.object({ file: z.string(), line: z.int(), column: z.int(), message: z.string() });

const policyStatus = z.object({
  digest: z.templateLiteral(["sha256:", z.string()]),
  version: z.int().optional(),
  sinceMs: z.number(),
  rules: z.int(),
  failure: z.object({ sinceMs: z.number(), problems: z.array(problem) }).optional(),
  warnings: z.array(problem),
});

const failed = z.strictObject({ error: z.string() });

const signInQuestion = z.strictObject({ approver: z.string().min(1).max(256) });
const signInAnswer = z.strictObject({ url: z.string() });

/** What the process behind the socket can do for the operator of its data folder. */
export interface Operator {
  /**
   * A one-time link that signs an approver in to the console.
   *
   * @throws {Error} when there is no such approver.
   */
  signInLink(approver: string): string | Promise<string>;
  /** Which policy is in force, and whether what its files say now could be taken into use. */
  policyStatus(): PolicyStatus;
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
  const reply = (status: number, body: unknown): void => {
    outgoing.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  };
  try {
    switch (`${incoming.method} ${incoming.url}`) {
      case "POST /sign-in": {
        const { approver } = signInQuestion.parse(JSON.parse(await text(incoming)));
        return reply(200, { url: await operator.signInLink(approver) });
      }
      case "POST /policy-status":
        return reply(200, operator.policyStatus());
      default:
        return reply(404, { error: "unknown call; are `countersign up` and this command of the same version?" });
    }
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
  return (await ask(path, "/sign-in", { approver }, signInAnswer)).url;
}

/**
 * Asks the process behind an operator's socket for the status of its policy.
 *
 * @throws {CliError} as {@link askSignInLink}.
 */
export async function askPolicyStatus(path: string): Promise<z.infer<typeof policyStatus>> {
  return await ask(path, "/policy-status", {}, policyStatus);
}

async function ask<Answer>(path: string, name: string, question: unknown, answer: z.ZodType<Answer>): Promise<Answer> {
  const body = await new Promise<string>((resolve, reject) => {
    const call = request({ socketPath: path, method: "POST", path: name }, (response) => text(response).then(resolve, reject));
    call.once("error", (cause) => {
      const message = `Countersign does not answer at ${path}. Start it with \`countersign up\`.`;
      reject(new CliError(exitCodes.unreachable, message, { cause }));
    });
    call.end(JSON.stringify(question));
  });
  const told: unknown = JSON.parse(body);
  const refusal = failed.safeParse(told);
  if (refusal.success) throw new CliError(exitCodes.failure, refusal.data.error);
  return answer.parse(told);
}
