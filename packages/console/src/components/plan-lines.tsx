import { useMemo } from "react";
import type { PlanLine } from "../api/model.ts";
import { decodeFacts, sentences, wish } from "../display/facts.ts";
import { plural } from "../display/time.ts";
import type { Reading } from "../reading.ts";
import { Exact } from "../ui/exact.tsx";
import { Notice } from "../ui/notice.tsx";
import { StateBadge } from "../ui/state-badge.tsx";
import { OperationView } from "./operation.tsx";

/** A plan: its lines in order, each one whole. Until it is signed lines can be struck out; then they do not run. */
export function PlanLines(props: {
  readonly lines: readonly PlanLine[];
  readonly reading: Reading | undefined;
  /** Lines that the person has struck out, not signed yet. */
  readonly struck: ReadonlySet<number>;
  /** Absent when nothing can be struck out. */
  readonly onStrike: ((index: number, struck: boolean) => void) | undefined;
}) {
  return (
    <section className="plan" aria-labelledby="plan-heading">
      <h2 id="plan-heading">A plan of {plural(props.lines.length, "line")}, in this order</h2>
      <ol>
        {props.lines.map((line) => (
          <Line
            key={line.index}
            line={line}
            reading={props.reading}
            struck={line.struck || props.struck.has(line.index)}
            onStrike={line.struck ? undefined : props.onStrike}
          />
        ))}
      </ol>
    </section>
  );
}

function Line(props: {
  readonly line: PlanLine;
  readonly reading: Reading | undefined;
  readonly struck: boolean;
  readonly onStrike: ((index: number, struck: boolean) => void) | undefined;
}) {
  const { line, struck, onStrike } = props;
  const facts = useMemo(() => decodeFacts(line.factsJson), [line.factsJson]);
  const number = line.index + 1;
  return (
    <li className={struck ? "plan-line plan-line-struck" : "plan-line"} aria-label={`Line ${number}`}>
      <header>
        <h3>
          <span className="plan-number">{number}</span>
          <span>
            <Exact text={wish(facts)} /> <span className="quiet">on</span> <Exact text={line.resource} />{" "}
            <span className="quiet">as</span> <Exact text={line.role} />
          </span>
        </h3>
        {struck ? <span className="struck-mark">Struck out: does not run</span> : <StateBadge state={line.state} />}
        {onStrike && (
          <label className="strike">
            <input type="checkbox" checked={struck} onChange={({ target }) => onStrike(line.index, target.checked)} />
            <span>Strike out line {number}</span>
          </label>
        )}
      </header>
      <OperationView
        operation={line.operation}
        reading={props.reading}
        of={` of line ${number}`}
        warnings={sentences(facts)
          .filter(({ tone }) => tone === "danger")
          .map(({ text }) => <Notice key={text} tone="danger" title={<Exact text={text} />} />)}
      />
      {line.rules.length > 0 && (
        <p className="aside">
          Held by <Exact text={line.rules.join(", ")} />
        </p>
      )}
    </li>
  );
}
