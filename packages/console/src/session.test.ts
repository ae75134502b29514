import { expect, test } from "vitest";
import { ApiError } from "./api/api-error.ts";
import { ApproverApi } from "./api/client.ts";
import { SessionStore } from "./session.ts";

const alice = { approver: { issuer: "i", subject: "alice" }, expiresMs: 1 };

function store(status: number, body: unknown = { code: status === 401 ? "unauthenticated" : "internal" }) {
  return new SessionStore(new ApproverApi(async () => new Response(status === 204 ? null : JSON.stringify(body), { status })));
}

test("who is signed in is known from the server alone", async () => {
  const signedIn = store(200, alice);
  await signedIn.check();
  expect(signedIn.snapshot()).toMatchObject({ state: "signed-in", session: { approver: { subject: "alice" } } });
  const nobody = store(401);
  await nobody.check();
  expect(nobody.snapshot()).toEqual({ state: "signed-out", why: "none" });
});

test("a server that fails does not look like being signed out", async () => {
  const broken = store(500);
  await broken.check();
  expect(broken.snapshot().state).toBe("unreachable");
});

test("a refused link says so", async () => {
  const refused = store(401);
  expect(await refused.signIn("used")).toBe(false);
  expect(refused.snapshot()).toMatchObject({ state: "refused", error: { code: "unauthenticated" } });
});

test("an ended session ends it for the whole page; other errors do not", async () => {
  const session = store(200, alice);
  await session.check();
  session.noticed(new ApiError("not_pending", "late"));
  session.noticed(new Error("a defect"));
  expect(session.snapshot().state).toBe("signed-in");
  session.noticed(new ApiError("unauthenticated", "ended"));
  expect(session.snapshot()).toEqual({ state: "signed-out", why: "ended" });
});

test("signing out when the server cannot be told is not shown as signed out", async () => {
  const session = store(503);
  await session.signOut();
  expect(session.snapshot().state).toBe("unreachable");
});
