import { useMemo } from "react";
import type { Evidence } from "../api/model.ts";
import { evidenceWords } from "../display/evidence-words.ts";
import { exactText } from "../display/exact-text.ts";
import { moment } from "../display/time.ts";
import { Exact } from "../ui/exact.tsx";
import { Icon } from "../ui/icon.tsx";
import { ChangedFields } from "./changed-fields.tsx";
import { CodeBlock } from "./code-block.tsx";
import { SampleTable } from "./sample-table.tsx";

/** What the operation would do, as far as it could be found out before anybody votes. The values in it are from outside, like the operation. */
export function EvidenceView({ evidence }: { readonly evidence: Evidence }) {
  const { failure, plan, difference, sample, affectedRows, locks, changes, about, timeMs } = evidence;
  return (
    <section className="found-out" aria-labelledby="evidence-heading">
      <header className="bar">
        <h2 id="evidence-heading">What it would do</h2>
        <p className="bar-note">
          found out on <time dateTime={new Date(timeMs).toISOString()}>{moment(timeMs)}</time>
        </p>
      </header>
      <ul className="evidence-words">
        {evidenceWords(evidence).map(({ tone, title, note }) => (
          <li key={title} className={`evidence-${tone}`}>
            {tone === "unknown" && <Icon name="warning" />}
            <div>
              <p className="evidence-title">{title}</p>
              {tone === "unknown" && failure !== "" && (
                <p>
                  <Exact text={failure} />
                </p>
              )}
              <p className="evidence-note">{note}</p>
            </div>
          </li>
        ))}
        {evidence.notes.map((note) => (
          <li key={note} className="evidence-note">
            <Exact text={note} />
          </li>
        ))}
      </ul>
      {about.length > 0 && <About about={about} />}
      {changes !== undefined && <ChangedFields changes={changes} />}
      {locks.length > 0 && <Text title="Held by the client's open transaction while this waits" text={locks.join("\n")} />}
      {sample.length > 0 && <SampleTable sample={sample} affectedRows={affectedRows} />}
      {sample.some(({ beforeUnknown }) => beforeUnknown) && (
        <p className="sample-note">“afterwards”: what the row was before could not be found out.</p>
      )}
      {difference !== "" && <Text title="Difference" text={difference} isDifference />}
      {plan !== "" && <Text title="PostgreSQL's plan, without running it" text={plan} />}
    </section>
  );
}

function About({ about }: Pick<Evidence, "about">) {
  return (
    <dl className="evidence-about">
      {about.map(({ name, text }, index) => (
        <div key={index}>
          <dt>
            <Exact text={name} />
          </dt>
          <dd>
            <Exact text={text} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Text(props: { readonly title: string; readonly text: string; readonly isDifference?: boolean }) {
  const lines = useMemo(() => exactText(props.text), [props.text]);
  return (
    <details className="evidence-text" open={props.isDifference === true || lines.length <= 12}>
      <summary>{props.title}</summary>
      <CodeBlock
        label={props.title}
        lines={lines}
        scrolls={lines.length > 12 || props.text.length > 1_200}
        numbered={false}
        compares={props.isDifference ?? false}
      />
    </details>
  );
}
