import { useMemo } from "react";
import type { Parameter } from "../api/operation.ts";
import { hex, size } from "../display/bytes.ts";
import { exactText, shownText } from "../display/exact-text.ts";
import type { NamedValue } from "../display/operation-parts.ts";
import type { Reading } from "../reading.ts";
import { Exact } from "../ui/exact.tsx";
import { CodeBlock } from "./code-block.tsx";

/** Values with their names, each one whole. */
export function ValueTable(props: {
  /** E.g. `Parameters`. */
  readonly name: string;
  readonly values: readonly NamedValue[];
  /** Whether some may be other than text. */
  readonly forms: boolean;
  readonly reading: Reading | undefined;
  /** Of which of several operations, e.g. ` of line 2`. */
  readonly of: string;
  readonly headingId: string | undefined;
}) {
  const { name, values, forms, reading, of } = props;
  if (values.length === 0) return <p className="no-parameters">No {name.toLowerCase()}.</p>;
  return (
    <table className={forms ? "parameters" : "parameters named"}>
      <caption id={props.headingId}>
        {name}
        <span className="visually-hidden">{of}</span>
      </caption>
      <thead>
        <tr>
          <th scope="col">Name</th>
          {forms && <th scope="col">Form</th>}
          <th scope="col">Value</th>
        </tr>
      </thead>
      <tbody>
        {values.map((one, index) => (
          <tr key={index}>
            <th scope="row">
              <Exact text={one.name} />
            </th>
            {forms && <td className="parameter-form">{form(one.content)}</td>}
            <td>
              <Value parameter={one.content} name={`${shownText(one.name)}${of}`} reading={reading} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function form(parameter: Parameter): string {
  if (parameter.type === "null") return "null";
  return parameter.type === "binary" ? `binary, ${size(parameter.value.length)}` : "text";
}

function Value({
  parameter,
  name,
  reading,
}: {
  readonly parameter: Parameter;
  readonly name: string;
  readonly reading: Reading | undefined;
}) {
  const text = parameter.type === "text" ? parameter.value : parameter.type === "binary" ? hex(parameter.value) : "";
  const lines = useMemo(() => exactText(text), [text]);
  const seen = reading && <span ref={reading.mark} className="reading-mark" />;
  if (parameter.type === "null") {
    return (
      <span className="value-null">
        NULL
        {seen}
      </span>
    );
  }
  if (text === "") {
    return (
      <span className="value-empty">
        {parameter.type === "binary" ? "no bytes" : "empty text"}
        {seen}
      </span>
    );
  }
  const long = lines.length > 12 || text.length > 1_200;
  return <CodeBlock label={`Value of ${name}`} lines={lines} scrolls={long} numbered={lines.length > 1} reading={reading} />;
}
