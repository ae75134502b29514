import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** nginx as a reverse proxy that adds a credential: one process, nothing buffered on disk, connections kept. */
export class NginxProxy implements Disposable {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #folder: string;

  private constructor(port: number, process: ChildProcess, folder: string) {
    this.port = port;
    this.#process = process;
    this.#folder = folder;
  }

  static async start(upstreamPort: number): Promise<NginxProxy> {
    const folder = mkdtempSync(join(tmpdir(), "cs-bench-nginx-"));
    mkdirSync(join(folder, "temporary"));
    const port = await freePort();
    writeFileSync(join(folder, "nginx.conf"), config(port, upstreamPort));
    const process = spawn("/usr/sbin/nginx", ["-p", folder, "-c", "nginx.conf", "-e", "stderr"], { stdio: "ignore" });
    const proxy = new NginxProxy(port, process, folder);
    for (let tries = 0; tries < 100; tries++) {
      if (process.exitCode !== null) break;
      const isUp = await fetch(`http://127.0.0.1:${port}/small`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (isUp) return proxy;
      await sleep(20);
    }
    proxy[Symbol.dispose]();
    throw new Error("nginx does not answer");
  }

  [Symbol.dispose](): void {
    this.#process.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function config(port: number, upstreamPort: number): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path temporary;`).join(" ");
  const user = process.getuid?.() === 0 ? "user root;" : "";
  return `daemon off; master_process off; pid nginx.pid; error_log stderr; ${user}
events { worker_connections 8192; }
http {
  access_log off; ${temporary}
  upstream api { server 127.0.0.1:${upstreamPort}; keepalive 64; }
  server {
    listen 127.0.0.1:${port};
    keepalive_requests 1000000000; client_max_body_size 0;
    location / {
      proxy_pass http://api; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Authorization "Bearer t0ken-of-the-target";
      proxy_max_temp_file_size 0; proxy_request_buffering off;
    }
  }
}
`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
