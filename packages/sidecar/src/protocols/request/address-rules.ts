import { ipBytes, isWithin } from "./ip-address.ts";

/** Which addresses a resource may have. */
export interface AddressRules {
  /** Whether those of this machine and of private networks are among them. */
  readonly allowPrivate: boolean;
}

interface Network {
  readonly bytes: readonly number[];
  readonly bits: number;
}

/** What no API is at: metadata services, whose answers are credentials, and what is no address of one host (RFC 6890, IANA's registries). */
const never = networks(`
  0.0.0.0/8 169.254.0.0/16 192.0.0.192/32 100.100.100.200/32 168.63.129.16/32 224.0.0.0/4 240.0.0.0/4
  ::/128 fe80::/10 ff00::/8 fd00:ec2::254/128 fd20:ce::254/128 2001::/32 64:ff9b:1::/48`);

/** This machine and private networks (RFC 1918, RFC 6598, RFC 4193), and what is for tests and protocols. */
const ownNetworks = networks(`
  127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 192.0.0.0/24 192.0.2.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24
  ::1/128 fc00::/7 fec0::/10 2001:db8::/32 100::/64`);

/** Why nothing is sent to an address; undefined when it may be. */
export function addressRefusal(address: string, { allowPrivate }: AddressRules): string | undefined {
  const bytes = ipBytes(address);
  if (bytes === undefined) return `${address} is no IP address`;
  const isIn = ({ bytes: network, bits }: Network) => isWithin(bytes, network, bits);
  if (never.some(isIn)) return `${address} is link-local, a metadata service or no address of one host`;
  if (!allowPrivate && ownNetworks.some(isIn))
    return `${address} is of this machine or a private network (allowPrivate: true permits it)`;
  return undefined;
}

function networks(text: string): readonly Network[] {
  return text
    .trim()
    .split(/\s+/)
    .map((one) => {
      const [address = "", bits] = one.split("/");
      const bytes = ipBytes(address);
      if (bytes === undefined) throw new TypeError(`${one} is no network`);
      return { bytes, bits: Number(bits) };
    });
}
