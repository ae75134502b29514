import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressRefusal } from "./address-rules.ts";

const strict = { allowPrivate: false };
const wide = { allowPrivate: true };

describe("http-ssrf", () => {
  test.each([
    "169.254.169.254",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "100.100.100.200",
    "168.63.129.16",
    "::",
    "fe80::1%eth0",
    "ff02::1",
    "fd00:ec2::254",
    "2001:0:1::1",
  ])("%s is never a target", (address) => {
    expect(addressRefusal(address, strict)).toBeDefined();
    expect(addressRefusal(address, wide)).toBeDefined();
  });

  test.each([
    "127.0.0.1",
    "127.1.2.3",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "::1",
    "fd12::1",
    "fec0::1",
  ])("%s only where private ones are allowed", (address) => {
    expect(addressRefusal(address, strict)).toBeDefined();
    expect(addressRefusal(address, wide)).toBeUndefined();
  });

  test.each([
    "1.1.1.1",
    "172.15.255.255",
    "172.32.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "2606:4700::1111",
    "::ffff:1.1.1.1",
    "2002:101:101::",
  ])("%s is one", (address) => {
    expect(addressRefusal(address, strict)).toBeUndefined();
  });

  test("what is no address is refused", () => {
    for (const text of ["", "localhost", "1.2.3", "0x7f.1", "1.2.3.4.5", "::g"]) expect(addressRefusal(text, wide)).toBeDefined();
  });

  test("an IPv6 address that stands for an IPv4 one is judged as that one", () => {
    const v4 = fc.ipV4();
    const hex = (address: string) =>
      Buffer.from(address.split(".").map(Number))
        .toString("hex")
        .replace(/(....)(....)/, "$1:$2");
    fc.assert(
      fc.property(v4, (address) => {
        const isRefused = addressRefusal(address, strict) !== undefined;
        const spellings = [
          `::ffff:${address}`,
          `::ffff:${hex(address)}`,
          `0:0:0:0:0:ffff:${hex(address)}`,
          `64:ff9b::${address}`,
          `2002:${hex(address)}::1`,
        ];
        for (const one of spellings) expect([one, addressRefusal(one, strict) !== undefined]).toEqual([one, isRefused]);
      }),
    );
  });
});
