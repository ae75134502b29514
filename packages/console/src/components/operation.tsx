import { type ReactNode, useId, useMemo, useState } from "react";
import type { Operation } from "../api/model.ts";
import { exactText, findings, type Line } from "../display/exact-text.ts";
import { sqlTokens } from "../display/sql-tokens.ts";
import { plural } from "../display/time.ts";
import type { Reading } from "../reading.ts";
import { Button } from "../ui/button.tsx";
import { CopyButton } from "../ui/copy.tsx";
import { CodeBlock } from "./code-block.tsx";
import { FindingsNotice } from "./findings-notice.tsx";
import { ParameterTable } from "./parameter-table.tsx";

/** A statement longer than this scrolls in a box of its own, so that the rest of the page stays near. */
const longLines = 22;
const longCharacters = 2_400;

/** Everything that will be sent: the whole statement and every bind value. */
export function OperationView(props: {
  readonly operation: Operation;
  readonly reading: Reading | undefined;
  /** What must be read before the statement. */
  readonly warnings: ReactNode;
  /** Which of several operations it is, e.g. ` of line 2`: every part of a page has a name of its own. */
  readonly of?: string;
}) {
  const { operation, reading, warnings, of = "" } = props;
  const headingId = useId();
  const { statement, parameters } = operation;
  const lines = useMemo(() => exactText(statement, sqlTokens(statement)), [statement]);
  const values = useMemo(() => parameters.flatMap((one) => (one.type === "text" ? exactText(one.value) : [])), [parameters]);
  return (
    <section className="operation" aria-labelledby={headingId}>
      {warnings}
      <FindingsNotice findings={findings([...lines, ...values])} />
      <Statement statement={statement} lines={lines} reading={reading} of={of} headingId={headingId} />
      <ParameterTable parameters={parameters} reading={reading} of={of} />
    </section>
  );
}

function Statement(props: {
  readonly statement: string;
  readonly lines: readonly Line[];
  readonly reading: Reading | undefined;
  readonly of: string;
  readonly headingId: string;
}) {
  const { statement, lines, reading, of } = props;
  const [expanded, setExpanded] = useState(false);
  const long = lines.length > longLines || statement.length > longCharacters;
  return (
    <div className="statement">
      <header className="bar">
        <h2 id={props.headingId}>
          Statement<span className="visually-hidden">{of}</span>
        </h2>
        <p className="bar-note">
          {plural(lines.length, "line")}
          <span className="bar-more"> · {plural(statement.length, "character")}</span>
        </p>
        {long && (
          <Button look="quiet" aria-expanded={expanded} onPress={() => setExpanded(!expanded)}>
            {expanded ? "Show in a box" : "Show whole"}
          </Button>
        )}
        <CopyButton text={statement} label={`Copy the statement${of}`} />
      </header>
      <CodeBlock label={`The whole statement${of}`} lines={lines} scrolls={long && !expanded} numbered reading={reading} />
    </div>
  );
}
