import { describe, expect, it } from "vitest";
import { formatAddress, isLocal, parseAddress } from "./address.ts";

describe("parseAddress", () => {
  it.each([
    ["db.example.com", { host: "db.example.com", port: 5432, unix: false }, "db.example.com:5432"],
    ["DB.example.com:6000", { host: "DB.example.com", port: 6000, unix: false }, "db.example.com:6000"],
    ["[::1]:5433", { host: "::1", port: 5433, unix: false }, "[::1]:5433"],
    ["/run/postgresql", { host: "/run/postgresql", port: 5432, unix: true }, "/run/postgresql/.s.PGSQL.5432"],
    ["unix:/run/pg/.s.PGSQL.5433", { host: "/run/pg", port: 5433, unix: true }, "/run/pg/.s.PGSQL.5433"],
  ])("reads %s", (text, address, identity) => {
    expect(parseAddress(text)).toEqual(address);
    expect(formatAddress(address)).toBe(identity);
  });

  it.each(["", "host:0", "host:70000", "host:1:2", "postgres://host/db", "[zz]:1", "a b"])("refuses %j", (text) => {
    expect(() => parseAddress(text)).toThrow(RangeError);
  });
});

describe("isLocal", () => {
  it("takes loopback and sockets only", () => {
    for (const text of ["127.0.0.1", "127.9.9.9:1", "[::1]", "localhost", "/run"])
      expect(isLocal(parseAddress(text)), text).toBe(true);
    for (const text of ["127.0.0.1.example.com", "10.0.0.1", "localhost.example.com", "[::2]"])
      expect(isLocal(parseAddress(text)), text).toBe(false);
  });
});
