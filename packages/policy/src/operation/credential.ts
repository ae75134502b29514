/** Headers that hold credentials, by lower-case name. */
const credentialName =
  /^x-auth|authorization|cookie|token|secret|passw|credential|signature|(?:api|access|private|subscription|functions)-?key/;

/** Values that say of themselves that they are credentials: an authentication scheme, or a token in a WebSocket subprotocol. */
const credentialValue = /^(?:bearer|basic|digest|negotiate|ntlm|aws4-\S*) |\bbase64url\.bearer\./i;

/** Parameters of a query whose values are credentials, by lower-case name. */
const credentialParameters: ReadonlySet<string> = new Set(
  `access_token access-token api_key api-key apikey auth_token client_secret id_token password passwd refresh_token secret sig signature
  x-amz-credential x-amz-security-token x-amz-signature x-goog-credential x-goog-signature`.split(/\s+/),
);

/** Whether a header's value must not be shown or stored. */
export function isCredential(name: string, value: string): boolean {
  return credentialName.test(name) || credentialValue.test(value);
}

/** Whether a query parameter's value must not be shown or stored. */
export function isCredentialParameter(name: string): boolean {
  return credentialParameters.has(name.toLowerCase());
}
