import { expect, test } from "vitest";
import { decodePage } from "../api/decode.ts";
import { alike } from "./duplicates.ts";

function requests(...sketches: { id: string; digest?: string; subject?: string; issuer?: string; state?: string }[]) {
  return decodePage({
    requests: sketches.map(({ id, digest = "d", subject = "a", issuer = "i", state = "PENDING" }) => ({
      ...{ id, actionDigest: digest, principal: { subject, issuer }, state: `REQUEST_STATE_${state}` },
    })),
  }).requests;
}
const ids = (...sketches: Parameters<typeof requests>) =>
  alike(requests(...sketches)).map((group) => group.requests.map((one) => one.id).join(" "));

test("the same action of the same principal is one group, where its first request stands", () => {
  expect(ids({ id: "1" }, { id: "2", digest: "x" }, { id: "3" })).toEqual(["1 3", "2"]);
});

test("another principal's is another request, also when names are made to collide", () => {
  expect(ids({ id: "1" }, { id: "2", subject: "b" }, { id: "3", issuer: "other" })).toEqual(["1", "2", "3"]);
  expect(ids({ id: "1", issuer: 'i","a', subject: "a" }, { id: "2", issuer: "i", subject: 'a","a' })).toEqual(["1", "2"]);
});

test("a request of which no digest is known stands alone, and so does one in another state", () => {
  expect(ids({ id: "1", digest: "" }, { id: "2", digest: "" })).toEqual(["1", "2"]);
  expect(ids({ id: "1" }, { id: "2", state: "APPROVED" })).toEqual(["1", "2"]);
});
