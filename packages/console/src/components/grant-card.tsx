import { useMemo } from "react";
import type { Grant } from "../api/model.ts";
import { exactText, shownText } from "../display/exact-text.ts";
import { boundWords, termsWords } from "../display/grant-words.ts";
import { sqlTokens } from "../display/sql-tokens.ts";
import { plural } from "../display/time.ts";
import { requestPath } from "../route.ts";
import { Button } from "../ui/button.tsx";
import { Exact } from "../ui/exact.tsx";
import { Link } from "../ui/link.tsx";
import { Ago, TimeLeft } from "../ui/time.tsx";
import { CodeBlock } from "./code-block.tsx";

/** One standing approval: who may run what, how often still and until when. Its template came from an agent. */
export function GrantCard({ grant, onRevoke }: { readonly grant: Grant; readonly onRevoke: () => void }) {
  const { terms, used, active, template, revokedReason } = grant;
  const lines = useMemo(() => exactText(template, sqlTokens(template)), [template]);
  return (
    <li className={active ? "card" : "card card-over"}>
      <header>
        <h2>
          <Exact text={grant.principal.subject} /> <span className="quiet">on</span> <Exact text={grant.resource} />
        </h2>
        {active ? <TimeLeft untilMs={grant.expiresMs} /> : <span className="state state-quiet">{over(grant)}</span>}
      </header>
      <CodeBlock
        label={`Template of the grant to ${shownText(grant.principal.subject)}`}
        lines={lines}
        scrolls={lines.length > 12 || template.length > 1_200}
        numbered={lines.length > 1}
      />
      <p className="uses">
        <progress max={terms.uses} value={Math.min(used, terms.uses)} aria-label="Uses taken" />
        {used.toLocaleString("en-US")} of {plural(terms.uses, "use")} taken
      </p>
      {terms.bounds.length === 0 ? (
        <p>Every value must be exactly the approved one.</p>
      ) : (
        <dl className="limits">
          {terms.bounds.map(({ value, bound }) => (
            <div key={value} className="limit limit-open">
              <dt>
                <code>{value}</code>
              </dt>
              <dd>
                <Exact text={boundWords(bound)} />
              </dd>
            </div>
          ))}
        </dl>
      )}
      <p className="card-foot">
        <span>
          Approved by <Exact text={grant.approvers.join(", ")} /> <Ago ms={grant.createdMs} />: {termsWords(terms)}
        </span>
        <Link href={requestPath(grant.requestId)}>The request</Link>
        {active && (
          <Button
            look="deny"
            aria-label={shownText(`Revoke the grant to ${grant.principal.subject} on ${grant.resource}`)}
            onPress={onRevoke}
          >
            Revoke…
          </Button>
        )}
      </p>
      {revokedReason !== "" && (
        <p>
          Revoked: <Exact text={revokedReason} />
        </p>
      )}
    </li>
  );
}

function over({ revokedReason, used, terms }: Grant): string {
  if (revokedReason !== "") return "Revoked";
  return used >= terms.uses ? "Used up" : "Ended";
}
