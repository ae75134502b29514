import { RequestState, type RequestSummary } from "@countersign/rpc";
import { expect, test } from "vitest";
import { shownOnce } from "./alike.ts";

const request = (id: string, more: Partial<RequestSummary> = {}): RequestSummary => ({
  ...{ id, state: RequestState.PENDING, resource: "orders-db", headline: "delete", rules: ["writes"] },
  ...{ createdMs: 0, expiresMs: 0, changedMs: 0, canVote: true, brokeGlass: false },
  principal: { issuer: "unix", subject: "agent", groups: [] },
  actionDigest: "sha256:1",
  ...more,
});
const shown = (...requests: RequestSummary[]) => shownOnce(requests).map(({ shown: { id }, count }) => `${id} ${count}`);

test("the same action of the same caller that waits is shown once, the first of them", () => {
  expect(shown(request("c"), request("b"), request("a"))).toEqual(["c 3"]);
});

test("ld-flood: another action, another caller, or what does not wait is shown by itself", () => {
  const mallory = { issuer: "unix", subject: "mallory", groups: [] };
  expect(
    shown(
      request("a"),
      request("b", { actionDigest: "sha256:2" }),
      request("c", { principal: mallory }),
      request("d", { state: RequestState.EXPIRED }),
      request("e", { state: RequestState.EXPIRED }),
      request("f", { actionDigest: "" }),
      request("g", { actionDigest: "" }),
    ),
  ).toEqual(["a 1", "b 1", "c 1", "d 1", "e 1", "f 1", "g 1"]);
});
