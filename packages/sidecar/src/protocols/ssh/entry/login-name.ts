/** What a client's user name says: `web-1`, or with a role `operator%web-1`. */
export interface LoginName {
  readonly resource: string;
  readonly role: string | undefined;
}

/** Takes a user name apart; whether there is such a resource is another question. */
export function parseLogin(user: string): LoginName {
  const at = user.indexOf("%");
  return at < 0 ? { resource: user, role: undefined } : { resource: user.slice(at + 1), role: user.slice(0, at) };
}
