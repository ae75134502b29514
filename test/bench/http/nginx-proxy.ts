import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A certificate and its key, PEM. */
interface ProxyTls {
  readonly certificate: string;
  readonly key: string;
}

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

  /** @param tls of its clients' side; the API is reached by TLS, too. */
  static async start(upstreamPort: number, tls?: ProxyTls): Promise<NginxProxy> {
    const folder = mkdtempSync(join(tmpdir(), "cs-bench-nginx-"));
    mkdirSync(join(folder, "temporary"));
    const port = await freePort();
    for (const [name, text] of Object.entries({ "cert.pem": tls?.certificate ?? "", "key.pem": tls?.key ?? "" }))
      writeFileSync(join(folder, name), text);
    writeFileSync(join(folder, "nginx.conf"), config(port, upstreamPort, tls !== undefined));
    const process = spawn("/usr/sbin/nginx", ["-p", folder, "-c", "nginx.conf", "-e", "stderr"], { stdio: "ignore" });
    const proxy = new NginxProxy(port, process, folder);
    for (let tries = 0; tries < 100; tries++) {
      if (process.exitCode !== null) break;
      const isUp = await accepts(port);
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

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(socket.end() !== undefined)).once("error", () => resolve(false));
  });
}

function config(port: number, upstreamPort: number, isTls: boolean): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path temporary;`).join(" ");
  const user = process.getuid?.() === 0 ? "user root;" : "";
  return `daemon off; master_process off; pid nginx.pid; error_log stderr; ${user}
events { worker_connections 8192; }
http {
  access_log off; ${temporary}
  upstream api { server 127.0.0.1:${upstreamPort}; keepalive 64; }
  server {
    listen 127.0.0.1:${port}${isTls ? " ssl" : ""};
    ${isTls ? "ssl_certificate cert.pem; ssl_certificate_key key.pem;" : ""}
    keepalive_requests 1000000000; client_max_body_size 0;
    location / {
      proxy_pass ${isTls ? "https" : "http"}://api; proxy_http_version 1.1; proxy_set_header Connection "";
      ${isTls ? "" : 'proxy_set_header Authorization "Bearer t0ken-of-the-target";'}
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
