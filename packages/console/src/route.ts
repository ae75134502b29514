/** The pages. */
export type Route =
  | { readonly page: "inbox" }
  | { readonly page: "history" | "grants" | "locks" | "delegations" | "reviews" | "sessions" }
  | { readonly page: "request"; readonly id: string }
  | { readonly page: "sign-in" }
  | { readonly page: "not-found" };

const plain = ["history", "grants", "locks", "delegations", "reviews", "sessions"] as const;

/** The page of a path. */
export function parsePath(path: string): Route {
  if (path === "/") return { page: "inbox" };
  const page = plain.find((one) => path === `/${one}`);
  if (page !== undefined) return { page };
  if (path === "/sign-in") return { page: "sign-in" };
  const id = /^\/requests\/([A-Za-z0-9_-]{1,128})$/.exec(path)?.[1];
  return id === undefined ? { page: "not-found" } : { page: "request", id };
}

/** The path of a request's page. */
export function requestPath(id: string): string {
  return `/requests/${id}`;
}
