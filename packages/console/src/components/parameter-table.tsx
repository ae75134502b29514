import { useMemo } from "react";
import type { Parameter } from "../api/model.ts";
import { hex, size } from "../display/bytes.ts";
import { exactText } from "../display/exact-text.ts";
import { plural } from "../display/time.ts";
import type { Reading } from "../reading.ts";
import { CodeBlock } from "./code-block.tsx";

/** The bind values of a statement, each one whole. */
export function ParameterTable({
  parameters,
  reading,
  of,
}: {
  readonly parameters: readonly Parameter[];
  readonly reading: Reading | undefined;
  /** Of which of several operations, e.g. ` of line 2`. */
  readonly of: string;
}) {
  if (parameters.length === 0) return <p className="no-parameters">No parameters.</p>;
  return (
    <table className="parameters">
      <caption>
        <span className="visually-hidden">The statement's </span>
        {plural(parameters.length, "parameter")}
        <span className="visually-hidden">{of}</span>
      </caption>
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Form</th>
          <th scope="col">Value</th>
        </tr>
      </thead>
      <tbody>
        {parameters.map((parameter, index) => (
          <tr key={index}>
            <th scope="row">${index + 1}</th>
            <td className="parameter-form">{form(parameter)}</td>
            <td>
              <Value parameter={parameter} name={`$${index + 1}${of}`} reading={reading} />
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
