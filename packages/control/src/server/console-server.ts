import { existsSync } from "node:fs";
import { join } from "node:path";
import type { AuditLog } from "@countersign/audit";
import { CountersignError, type PolicyStatusFeed } from "@countersign/policy";
import fastifyCookie from "@fastify/cookie";
import fastifyHelmet from "@fastify/helmet";
import fastifyStatic from "@fastify/static";
import fastify, { type FastifyInstance } from "fastify";
import { ControlPlaneError } from "../control-plane-error.ts";
import type { Approvers } from "../identity.ts";
import { consoleRoutes } from "./console-routes.ts";
import { approverMethods, type Desk } from "./methods/methods.ts";
import { sendProblem } from "./problem.ts";
import { requireSameOrigin } from "./same-origin.ts";
import { SignIn } from "./sign-in.ts";

/** The console talks to nobody but this server. */
const contentSecurityPolicy = {
  useDefaults: false,
  directives: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", "data:"],
    fontSrc: ["'self'"],
    connectSrc: ["'self'"],
    manifestSrc: ["'self'"],
    baseUri: ["'none'"],
    formAction: ["'none'"],
    frameAncestors: ["'none'"],
  },
};

/** No body of the API is longer, bytes. */
const bodyLimit = 64 * 1024;
/** A connection on which nothing moves for so long is closed, milliseconds. Live inboxes have a heartbeat. */
const idleMs = 60_000;

/** How the console is served. */
export interface ConsoleServerOptions {
  readonly desk: Desk;
  /** The policy's status, where this process knows it. */
  readonly policy?: PolicyStatusFeed;
  readonly approvers: Approvers;
  readonly audit: AuditLog;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** 0 picks a free port. */
  readonly port: number;
  /** The built console; without it only the API is served. */
  readonly staticFolder?: string;
  /** Told of defects, with their causes; nothing of them goes out. */
  readonly onInternalError: (error: unknown) => void;
}

/** The console, listening. */
export interface ConsoleServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /**
   * A link that signs an approver in: one use, 10 minutes. The token is in the fragment, which browsers send to nobody.
   *
   * @throws {RangeError} for a name that the configuration does not have.
   */
  signInLink(name: string): string;
  close(): Promise<void>;
}

/**
 * Serves the console and its API on loopback. There is no TLS here, so nothing else is offered.
 *
 * @throws {ControlPlaneError} `address_unusable`.
 */
export async function serveConsole(options: ConsoleServerOptions): Promise<ConsoleServer> {
  const { desk, approvers, audit, now, port } = options;
  const signIn = new SignIn(approvers, now);
  const ending = new AbortController();
  let hosts: readonly string[] = [];
  const app = fastify({
    bodyLimit,
    forceCloseConnections: true,
    // HEAD of the inbox would open a stream for nobody.
    exposeHeadRoutes: false,
    connectionTimeout: idleMs,
    requestTimeout: idleMs,
    routerOptions: { maxParamLength: 128 },
  });
  await app.register(fastifyHelmet, {
    contentSecurityPolicy,
    // There is no HTTPS on loopback to insist on.
    strictTransportSecurity: false,
    // Not "no-referrer": with it a browser may send `Origin: null` with a change, which is refused here.
    referrerPolicy: { policy: "same-origin" },
    frameguard: { action: "deny" },
  });
  await app.register(fastifyCookie);
  requireSameOrigin(app, () => hosts);
  jsonOnly(app);
  app.setErrorHandler((error, _request, reply) => {
    if (!(error instanceof CountersignError) && !isRefusal(error)) options.onInternalError(error);
    return sendProblem(reply, error);
  });
  consoleRoutes(app, { ...approverMethods(desk, options.policy), signIn, audit, now, ending: ending.signal });
  await staticFiles(app, options.staticFolder);
  const url = await listen(app, port);
  hosts = ["127.0.0.1", "localhost", "[::1]"].map((name) => `${name}:${new URL(url).port || "80"}`);
  const close = async () => {
    ending.abort();
    await app.close();
  };
  return { url, signInLink: (name) => `${url}/sign-in#${signIn.link(name)}`, close, [Symbol.asyncDispose]: close };
}

async function listen(app: FastifyInstance, port: number): Promise<string> {
  try {
    return await app.listen({ host: "127.0.0.1", port });
  } catch (cause) {
    await app.close();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ControlPlaneError(
      "address_unusable",
      `The console cannot listen on port ${port}: ${reason}. Configure another port.`,
      cause,
    );
  }
}

/** A form can send text/plain and the like without the browser asking first; only JSON is taken. */
function jsonOnly(app: FastifyInstance): void {
  app.removeContentTypeParser("text/plain");
}

async function staticFiles(app: FastifyInstance, folder: string | undefined): Promise<void> {
  const served = folder !== undefined && existsSync(join(folder, "index.html"));
  if (served) {
    await app.register(fastifyStatic, {
      root: folder,
      // The page names its scripts by hash; only the page itself may change.
      setHeaders: (response, path) => {
        response.header("cache-control", path.endsWith(".html") ? "no-store" : "public, max-age=31536000, immutable");
      },
    });
  }
  app.setNotFoundHandler((request, reply) => {
    const page = request.method === "GET" && !/^\/(api|assets)(\/|\?|$)/.test(request.url);
    if (served && page) return reply.sendFile("index.html");
    return sendProblem(reply, new CountersignError("not_found", "There is nothing here."));
  });
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && "statusCode" in error && typeof error.statusCode === "number" && error.statusCode < 500;
}
