import type { RequestInfo } from "./request-info.ts";

/** Groups, versions, resources and namespaces are DNS names in lower case (RFC 1123). */
const dnsName = /^[a-z\d](?:[a-z\d.-]*[a-z\d])?$/;
/** Names of objects: visible ASCII. Others can be valid, but two that look alike need not be the same. */
const visible = /^[!-~]*$/;

/** Why the names in a path may not be what they seem, in words. */
export function doubtsAboutNames({ group, version, resource, subresource, namespace, name }: RequestInfo): readonly string[] {
  const doubts: string[] = [];
  const parts = { "API group": group, "API version": version, resource, "sub-resource": subresource, namespace };
  for (const [what, text] of Object.entries(parts)) {
    if (text !== "" && !dnsName.test(text)) doubts.push(`the ${what} is not a lower-case DNS name`);
  }
  if (!visible.test(name)) doubts.push("the name of the object holds characters other than visible ASCII");
  return doubts;
}
