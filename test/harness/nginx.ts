import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestAuthority } from "./certificate.ts";

/** nginx with TLS on a free port of 127.0.0.1; `locations` are of its configuration. */
export class Nginx implements AsyncDisposable {
  readonly folder: string;
  port = 0;
  #process: ChildProcess | undefined;

  private constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "cs-nginx-"));
  }

  static async start({ server, ca }: TestAuthority, locations: string): Promise<Nginx> {
    const nginx = new Nginx();
    try {
      nginx.port = await freePort();
      for (const name of ["html", "temporary"]) mkdirSync(join(nginx.folder, name));
      for (const [name, text] of Object.entries({ "cert.pem": server.certificate, "key.pem": server.key, "ca.pem": ca }))
        writeFileSync(join(nginx.folder, name), text);
      writeFileSync(join(nginx.folder, "nginx.conf"), nginx.#config(locations));
      nginx.#process = spawn("/usr/sbin/nginx", ["-p", nginx.folder, "-c", "nginx.conf", "-e", "stderr"], {
        stdio: ["ignore", "ignore", "pipe"],
      });
      await nginx.#ready();
      return nginx;
    } catch (error) {
      await nginx[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Puts a file where it is served from. */
  put(name: string, content: string | Buffer): void {
    writeFileSync(join(this.folder, "html", name), content, { mode: 0o644 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#process;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #ready(): Promise<void> {
    let log = "";
    this.#process?.stderr?.on("data", (data: Buffer) => (log += data.toString()));
    for (let tries = 0; tries < 100; tries++) {
      if (this.#process?.exitCode !== null) throw new Error(`nginx ended: ${log}`);
      if (await accepts(this.port)) return;
      await sleep(20);
    }
    throw new Error(`nginx does not answer: ${log}`);
  }

  #config(locations: string): string {
    const user = process.getuid?.() === 0 ? "user root;" : "";
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
      .map((name) => `${name}_temp_path temporary;`)
      .join(" ");
    return `daemon off; master_process off; pid nginx.pid; error_log stderr; ${user}
events {}
http {
  access_log off; ${temporary} types { text/plain txt; }
  server {
    listen 127.0.0.1:${this.port} ssl;
    ssl_certificate cert.pem; ssl_certificate_key key.pem; ssl_client_certificate ca.pem; ssl_verify_client optional;
    root html;
    ${locations}
  }
}
`;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("close", () => socket.destroy());
    socket.once("connect", () => socket.end());
  });
}
