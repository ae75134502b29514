import { type ReactNode, useId, useMemo, useState } from "react";
import type { ParameterReading } from "../api/model.ts";
import type { Operation } from "../api/operation.ts";
import { hex, size } from "../display/bytes.ts";
import { exactText, findings, type Line } from "../display/exact-text.ts";
import { indentedJson } from "../display/indented-json.ts";
import { operationParts, type Part } from "../display/operation-parts.ts";
import { sqlTokens } from "../display/sql-tokens.ts";
import { plural } from "../display/time.ts";
import type { Reading } from "../reading.ts";
import { Button } from "../ui/button.tsx";
import { CopyButton } from "../ui/copy.tsx";
import { CodeBlock } from "./code-block.tsx";
import { FindingsNotice } from "./findings-notice.tsx";
import { ValueTable } from "./value-table.tsx";

/** A text longer than this scrolls in a box of its own, so that the rest of the page stays near. */
const longLines = 22;
const longCharacters = 2_400;

/** Everything that will be sent, part by part, each one whole. */
export function OperationView(props: {
  readonly operation: Operation;
  /** How its binary values read. */
  readonly readings?: readonly ParameterReading[];
  readonly reading: Reading | undefined;
  /** What must be read before the operation. */
  readonly warnings: ReactNode;
  /** Which of several operations it is, e.g. ` of line 2`: every part of a page has a name of its own. */
  readonly of?: string;
}) {
  const { operation, readings = [], reading, warnings, of = "" } = props;
  const headingId = useId();
  const parts = useMemo(() => [...operationParts(operation), ...readingsPart(readings)], [operation, readings]);
  const found = useMemo(() => findings(parts.flatMap(textsOf).flatMap((one) => exactText(one))), [parts]);
  return (
    <section className="operation" aria-labelledby={headingId}>
      {warnings}
      <FindingsNotice findings={found} />
      <div className="parts">
        {parts.map((part, index) => (
          <PartView key={part.name} part={part} reading={reading} of={of} headingId={index === 0 ? headingId : undefined} />
        ))}
      </div>
    </section>
  );
}

function readingsPart(readings: readonly ParameterReading[]): readonly Part[] {
  if (readings.length === 0) return [];
  const values = readings.map(({ name, text }) => ({ name, content: { type: "text", value: text } as const }));
  return [{ name: "Binary parameters, as they read", type: "values", values }];
}

interface PartProps<Shown> {
  readonly part: Shown;
  readonly reading: Reading | undefined;
  readonly of: string;
  readonly headingId: string | undefined;
}

function PartView({ part, ...props }: PartProps<Part>) {
  switch (part.type) {
    case "block":
      return <Block part={part} {...props} />;
    case "values":
      return <ValueTable name={part.name} values={part.values} forms={part.forms ?? false} {...props} />;
    case "note":
      return <Note part={part} {...props} />;
  }
}

function Block({ part, reading, of, headingId }: PartProps<Extract<Part, { type: "block" }>>) {
  const { name, content, syntax } = part;
  const [expanded, setExpanded] = useState(false);
  const shown = useMemo(() => layOut(part), [part]);
  const lines = useMemo(() => exactText(shown, syntax === "sql" ? sqlTokens(shown) : undefined), [shown, syntax]);
  const long = lines.length > longLines || shown.length > longCharacters;
  const called = name.toLowerCase();
  return (
    <div className="statement">
      <header className="bar">
        <h2 id={headingId}>
          {name}
          <span className="visually-hidden">{of}</span>
        </h2>
        <p className="bar-note">
          {content.type === "binary" ? `binary, ${size(content.value.length)}` : <Extent text={content.value} lines={lines} />}
          {content.type === "text" && shown !== content.value && <span className="bar-more"> · laid out for reading</span>}
        </p>
        {long && (
          <Button look="quiet" aria-expanded={expanded} onPress={() => setExpanded(!expanded)}>
            {expanded ? "Show in a box" : "Show whole"}
          </Button>
        )}
        {content.type === "text" && <CopyButton text={content.value} label={`Copy the ${called}${of}`} />}
      </header>
      {shown === "" ? (
        <p className="value-empty no-parameters">
          Empty
          {reading && <span ref={reading.mark} className="reading-mark" />}
        </p>
      ) : (
        <CodeBlock label={`The whole ${called}${of}`} lines={lines} scrolls={long && !expanded} numbered reading={reading} />
      )}
    </div>
  );
}

function Extent({ text, lines }: { readonly text: string; readonly lines: readonly Line[] }) {
  return (
    <>
      {plural(lines.length, "line")}
      <span className="bar-more"> · {plural(text.length, "character")}</span>
    </>
  );
}

function Note({ part, reading, of, headingId }: PartProps<Extract<Part, { type: "note" }>>) {
  const lines = useMemo(() => exactText(part.text), [part.text]);
  return (
    <div className="statement">
      <header className="bar">
        <h2 id={headingId}>
          {part.name}
          <span className="visually-hidden">{of}</span>
        </h2>
      </header>
      <CodeBlock label={`${part.name}${of}`} lines={lines} scrolls={false} numbered={false} reading={reading} />
    </div>
  );
}

function layOut({ content, syntax }: Extract<Part, { type: "block" }>): string {
  if (content.type === "binary") return hex(content.value);
  return syntax === "json" ? indentedJson(content.value) : content.value;
}

function textsOf(part: Part): readonly string[] {
  switch (part.type) {
    case "block":
      return part.content.type === "text" ? [part.content.value] : [];
    case "values":
      return part.values.flatMap(({ name, content }) => (content.type === "text" ? [name, content.value] : [name]));
    case "note":
      return [part.text];
  }
}
