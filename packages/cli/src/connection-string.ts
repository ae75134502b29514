import { basename, dirname } from "node:path";
import type { PostgresClient } from "./postgres-client.ts";

/** What libpq has to be told, by keyword; the password is not among it. */
export function connectionParameters({ listener, resource, role, caFile }: PostgresClient): Readonly<Record<string, string>> {
  const who = { dbname: resource, user: role };
  if (listener.type === "unix") {
    return { host: dirname(listener.path), port: basename(listener.path).replace(/^\.s\.PGSQL\./, ""), ...who };
  }
  const { host, port, tls } = listener;
  const secure = tls === undefined ? { sslmode: "disable" } : { sslmode: "verify-full", ...(caFile && { sslrootcert: caFile }) };
  return { host, port: String(port), ...who, ...secure };
}

/** As `keyword='value' …` (libpq §32.1.1.1). */
export function keywordString(parameters: Readonly<Record<string, string>>): string {
  return Object.entries(parameters)
    .map(([keyword, value]) => `${keyword}='${value.replace(/['\\]/g, "\\$&")}'`)
    .join(" ");
}

/** As a URL, which drivers take too (libpq §32.1.1.2). A socket's folder travels as a parameter. */
export function connectionUrl(
  { dbname = "", user = "", host = "", port = "", ...others }: Readonly<Record<string, string>>,
  password?: string,
): string {
  const login = encodeURIComponent(user) + (password === undefined ? "" : `:${encodeURIComponent(password)}`);
  const isSocket = host.startsWith("/");
  const parameters = new URLSearchParams(isSocket ? { host, port, ...others } : others).toString();
  const authority = isSocket ? "" : `${host.includes(":") ? `[${host}]` : host}:${port}`;
  return `postgresql://${login}@${authority}/${encodeURIComponent(dbname)}${parameters === "" ? "" : `?${parameters.replaceAll("+", "%20")}`}`;
}
