import { useMemo, useState } from "react";
import type { CastVote, Detail, GrantBounds, GrantTerms } from "../api/model.ts";
import type { Operation } from "../api/operation.ts";
import { exactText } from "../display/exact-text.ts";
import { type Facts, wish } from "../display/facts.ts";
import {
  boundFields,
  fieldsOf,
  type GrantFields,
  narrowFields,
  permittedWords,
  readGrant,
  type Unit,
} from "../display/grant-form.ts";
import { limitsInWords, termsWords, widestConsequence } from "../display/grant-words.ts";
import { firstText } from "../display/operation-parts.ts";
import { sqlTokens } from "../display/sql-tokens.ts";
import { Choice } from "../ui/choice.tsx";
import { Exact } from "../ui/exact.tsx";
import { Field } from "../ui/field.tsx";
import { Notice } from "../ui/notice.tsx";
import { ActionDialog } from "./action-dialog.tsx";
import { BoundEditor } from "./bound-editor.tsx";
import { CodeBlock } from "./code-block.tsx";

const units = { minutes: "minutes", hours: "hours", days: "days" } as const satisfies Record<Unit, string>;

/** Approving this and, within bounds, what is like it. */
export function GrantDialog(props: {
  readonly detail: Detail;
  readonly bounds: GrantBounds;
  readonly facts: Facts | undefined;
  readonly onConfirm: (terms: GrantTerms, comment: string) => Promise<unknown>;
  readonly onClose: () => void;
}) {
  const { detail, bounds, facts } = props;
  const other = detail.votes.find(({ verdict, grant }) => verdict === "approve" && grant !== undefined);
  const [fields, setFields] = useState<GrantFields>(() => (other?.grant ? fieldsOf(other.grant) : narrowFields(bounds)));
  const read = readGrant(fields, bounds);
  const mistakes: Readonly<Record<string, string>> = "mistakes" in read ? read.mistakes : {};
  const change = (change: Partial<GrantFields>) => setFields({ ...fields, ...change });
  return (
    <ActionDialog
      title="Approve, and let it run again"
      look="wide"
      reason={{ label: "Comment (optional, recorded)", required: false }}
      confirm={{ label: "Approve with this grant", look: "approve" }}
      notReady={"mistakes" in read ? "Mend what is marked above first." : ""}
      onConfirm={(comment) => ("terms" in read ? props.onConfirm(read.terms, comment) : Promise.resolve())}
      onClose={props.onClose}
    >
      <p>
        The same agent may then run the same operation on <Exact text={detail.summary.resource} /> again without asking.{" "}
        {permittedWords(bounds)}
      </p>
      {other?.grant && <OtherOffer vote={other} />}
      {detail.operation && <Template operation={detail.operation} />}
      <div className="field-row">
        <Field
          label="How often"
          inputMode="numeric"
          value={fields.uses}
          onChange={(uses) => change({ uses })}
          mistake={mistakes.uses}
        />
        <Field
          label="For how long"
          inputMode="decimal"
          value={fields.time}
          onChange={(time) => change({ time })}
          mistake={mistakes.time}
        />
        <Choice label="Unit" value={fields.unit} options={units} onChange={(unit) => change({ unit })} />
      </div>
      {bounds.values.length > 0 && (
        <fieldset className="bounds">
          <legend>What its values may be</legend>
          {bounds.values.map(({ name, value }) => (
            <BoundEditor
              key={name}
              name={name}
              value={value}
              fields={boundFields(fields, name)}
              mistake={mistakes[name] ?? ""}
              onChange={(bound) => change({ bounds: { ...fields.bounds, [name]: bound } })}
            />
          ))}
        </fieldset>
      )}
      {"terms" in read && <InWords detail={detail} bounds={bounds} terms={read.terms} facts={facts} />}
    </ActionDialog>
  );
}

/** What the names of the values stand in. */
function Template({ operation }: { readonly operation: Operation }) {
  const text = firstText(operation);
  const lines = useMemo(
    () => exactText(text, operation.kind === "postgres.query" ? sqlTokens(text) : undefined),
    [text, operation.kind],
  );
  return <CodeBlock label="What may run again" lines={lines} scrolls={lines.length > 4 || text.length > 250} numbered={false} />;
}

/** What will run without asking again, and the most that this can come to. */
function InWords(props: {
  readonly detail: Detail;
  readonly bounds: GrantBounds;
  readonly terms: GrantTerms;
  readonly facts: Facts | undefined;
}) {
  const { detail, bounds, terms, facts } = props;
  const limits = limitsInWords(bounds.values, terms);
  const consequence = widestConsequence({
    terms,
    subject: detail.summary.principal.subject,
    resource: detail.summary.resource,
    wish: wish(facts),
    everyRow: facts?.everyRow === true,
  });
  return (
    <section className="in-words" aria-live="polite" aria-label="What this grant lets run">
      <h3>Runs without asking again, {termsWords(terms)}</h3>
      {limits.length > 0 && (
        <dl>
          {limits.map(({ name, words, open }) => (
            <div key={name} className={open ? "limit limit-open" : "limit"}>
              <dt>
                <code>{name}</code>
              </dt>
              <dd>
                <Exact text={words} />
              </dd>
            </div>
          ))}
        </dl>
      )}
      <Notice tone={limits.some(({ open }) => open) ? "danger" : "caution"} title={<Exact text={consequence} />} />
      <p className="aside">
        It comes into force once everybody whose vote is needed agrees to the very same grant; with other votes only this one run
        is approved. It can be revoked at any time.
      </p>
    </section>
  );
}

function OtherOffer({ vote }: { readonly vote: CastVote }) {
  return (
    <Notice
      tone="plain"
      title={
        <>
          <Exact text={vote.approver.subject} /> agreed to the grant that is filled in here
        </>
      }
    >
      <p>Agree to the very same, or it will not come into force.</p>
    </Notice>
  );
}
