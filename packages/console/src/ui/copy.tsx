import { useState } from "react";
import { shortDigest } from "../display/bytes.ts";
import { useServices } from "../services.ts";
import { Button } from "./button.tsx";
import { Icon } from "./icon.tsx";

/** Copies a text and says so. */
export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const { announcer } = useServices();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      setCopied(true);
      announcer.say("Copied");
      setTimeout(() => setCopied(false), 1500);
    } catch {
      announcer.say("The browser did not allow copying");
    }
  };
  return (
    <Button look="quiet" className="copy" aria-label={label} onPress={copy}>
      <Icon name={copied ? "check" : "copy"} />
    </Button>
  );
}

/** A digest: short for the eye, whole on hover and by copying. */
export function Digest({ digest, label }: { readonly digest: string; readonly label: string }) {
  return (
    <span className="digest">
      <code title={digest}>{shortDigest(digest)}…</code>
      <CopyButton text={digest} label={`Copy the ${label}`} />
    </span>
  );
}
