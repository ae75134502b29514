/** Where a server listens. */
export interface SshAddress {
  readonly host: string;
  readonly port: number;
}

const shape = /^(?:\[(?<six>[0-9a-fA-F:.]+)\]|(?<host>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?))(?::(?<port>[0-9]{1,5}))?$/;

/**
 * Reads `host`, `host:port` or `[IPv6]:port`; without a port it is 22.
 *
 * @throws {RangeError} in words for whoever writes the configuration.
 */
export function parseAddress(text: string): SshAddress {
  const { six, host = six, port = "22" } = shape.exec(text)?.groups ?? {};
  if (host === undefined) throw new RangeError(`${JSON.stringify(text)} is no address; write host, host:port or [IPv6]:port`);
  if (Number(port) < 1 || Number(port) > 65_535) throw new RangeError(`${port} is no port; it is from 1 to 65535`);
  return { host, port: Number(port) };
}

/** The one way in which an address is written in an action. */
export function formatAddress({ host, port }: SshAddress): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
