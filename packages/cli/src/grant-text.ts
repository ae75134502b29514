import type { Grant, GrantBounds, GrantTerms, GrantValue, ValueBound } from "@countersign/rpc";
import { visible, visibleBlock } from "./terminal/escape.ts";
import { countText, durationText, timeText } from "./terminal/quantity.ts";
import { paint, type Terminal } from "./terminal/terminal.ts";

/** What a grant may be at most, and the values that can be bounded. */
export function boundsText({ maxUses, maxTtlSeconds, values }: GrantBounds): readonly string[] {
  const most = `up to ${countText(maxUses, "use")} within ${durationText(maxTtlSeconds * 1000)}`;
  return [most, ...values.map((one) => `${visible(one.name)} = ${valueText(one)}`)];
}

/** What a grant is for: `20 uses within 8h`, then its bounds. */
export function termsText({ uses, ttlSeconds, bounds }: GrantTerms): readonly string[] {
  return [`${countText(uses, "use")} within ${durationText(ttlSeconds * 1000)}`, ...bounds.map(boundText)];
}

function boundText({ value, bound }: ValueBound): string {
  return `${visible(value)}: ${limitText(bound)}`;
}

function limitText(bound: ValueBound["bound"]): string {
  switch (bound?.$case) {
    case "oneOf":
      return `one of ${bound.value.values.map((text) => visible(JSON.stringify(text))).join(", ")}`;
    case "range":
      return `a number from ${visible(bound.value.min)} to ${visible(bound.value.max)}`;
    case "prefix":
      return `a text that begins with ${visible(JSON.stringify(bound.value))}`;
    case "any":
      return "anything but NULL";
    case undefined:
      return "a bound that this version of countersign does not know";
  }
}

function valueText({ value }: GrantValue): string {
  switch (value?.$case) {
    case "text":
      return visible(JSON.stringify(value.value));
    case "binary":
      return `\\x${Buffer.from(value.value).toString("hex")}`;
    default:
      return "NULL";
  }
}

/** Where a grant stands, in a word. */
export function grantState({ active, revokedReason, used, terms }: Grant): "active" | "revoked" | "used up" | "expired" {
  if (active) return "active";
  if (revokedReason !== "") return "revoked";
  return used >= (terms?.uses ?? 0) ? "used up" : "expired";
}

/** A grant whole. */
export function grantText(terminal: Terminal, grant: Grant): readonly string[] {
  const heading = (text: string): string => paint(terminal.stdout, "bold", text);
  const { id, requestId, resource, principal, template, terms, used, expiresMs, approvers, createdMs, revokedReason } = grant;
  const uses = `${used} of ${countText(terms?.uses ?? 0, "use")}`;
  return [
    `${heading(id)}  ${grantState(grant)}, ${uses}, ${grant.active ? "until" : "was until"} ${timeText(expiresMs)}`,
    `  for ${visible(principal?.subject ?? "")} (by ${visible(principal?.issuer ?? "")}) on ${visible(resource)}`,
    `  made of ${requestId} at ${timeText(createdMs)} by ${approvers.map(visible).join(", ")}`,
    ...(revokedReason === "" ? [] : [`  revoked by ${visible(revokedReason)}`]),
    "",
    ...visibleBlock(template)
      .split("\n")
      .map((text) => `  ${text}`),
  ];
}
