// Servers and browsers that come from Debian's packages. Installed when they are missing and this runs as root; otherwise says what to install.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const needed = [
  { what: "a browser for the console's tests", package: "chromium", there: () => onPath("chromium") },
  { what: "PostgreSQL", package: "postgresql", there: () => onPath("postgres") || existsSync("/usr/lib/postgresql") },
  { what: "the PostgreSQL client", package: "postgresql-client", there: () => onPath("psql") },
  {
    what: "a client in another language",
    package: "python3-psycopg",
    there: () => existsSync("/usr/lib/python3/dist-packages/psycopg"),
  },
  {
    what: "a pooler to compare with",
    package: "pgbouncer",
    there: () => onPath("pgbouncer") || existsSync("/usr/sbin/pgbouncer"),
  },
  { what: "an SSH server", package: "openssh-server", there: () => onPath("sshd") || existsSync("/usr/sbin/sshd") },
  { what: "the SSH client", package: "openssh-client", there: () => onPath("ssh") },
  {
    what: "a second SSH client",
    package: "python3-paramiko",
    there: () => existsSync("/usr/lib/python3/dist-packages/paramiko"),
  },
  { what: "a third SSH client", package: "dropbear-bin", there: () => onPath("dbclient") },
  { what: "rsync", package: "rsync", there: () => onPath("rsync") },
  { what: "git", package: "git", there: () => onPath("git") },
  { what: "a web server", package: "nginx-light", there: () => existsSync("/usr/sbin/nginx") },
];

function onPath(name) {
  return (process.env.PATH ?? "").split(":").some((folder) => existsSync(`${folder}/${name}`));
}

/** Makes sure that the system servers for the tests are there. */
export function requireSystem() {
  const missing = needed.filter((one) => !one.there());
  if (missing.length === 0) return;
  const packages = missing.map((one) => one.package);
  const command = `apt-get install -y --no-install-recommends ${packages.join(" ")}`;
  if (process.getuid?.() !== 0 || !onPath("apt-get")) {
    process.stderr.write(
      `The tests need ${missing.map((one) => one.what).join(" and ")}. As root: apt-get update && ${command}\n`,
    );
    process.exit(1);
  }
  process.stderr.write(`Installing ${packages.join(", ")} …\n`);
  // A cluster that the package would start by itself is none of ours.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  for (const line of ["apt-get update -qq", command]) {
    const [program = "", ...args] = line.split(" ");
    const done = spawnSync(program, args, { env, stdio: ["ignore", "ignore", "inherit"] });
    if (done.status !== 0) {
      process.stderr.write(`\`${line}\` ended with ${done.status}.\n`);
      process.exit(1);
    }
  }
}
