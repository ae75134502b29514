import { useMemo } from "react";
import { exactText, findings } from "../display/exact-text.ts";
import { Exact } from "../ui/exact.tsx";
import { CodeBlock } from "./code-block.tsx";

/** The agent's own words, set apart: they are a claim, and whoever steers the agent may have written them (ap-display). */
export function UntrustedReason({ reason, subject }: { readonly reason: string; readonly subject: string }) {
  const lines = useMemo(() => exactText(reason), [reason]);
  const marked = findings(lines).length > 0;
  return (
    <section className="untrusted" aria-labelledby="reason-heading">
      <h2 id="reason-heading">The agent says</h2>
      {reason === "" ? (
        <p className="aside">It gave no reason.</p>
      ) : (
        <blockquote>
          <CodeBlock
            label="The agent's reason"
            lines={lines}
            scrolls={lines.length > 12 || reason.length > 1_200}
            numbered={false}
          />
        </blockquote>
      )}
      <p className="untrusted-note">
        Written by <Exact text={subject} />, not checked by anyone.{marked && " It holds hidden or misleading characters."}
      </p>
    </section>
  );
}
