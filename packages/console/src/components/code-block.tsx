import { memo } from "react";
import type { Line } from "../display/exact-text.ts";
import { withReadingMarks } from "../display/reading-marks.ts";
import type { Reading } from "../reading.ts";
import { ExactSpan } from "../ui/exact.tsx";

/**
 * A whole text with line numbers, in the order in which it is stored. Never cut: a long one scrolls.
 *
 * @param reading where it is noted what was on the screen; absent when nothing depends on it.
 */
export const CodeBlock = memo(function CodeBlock(props: {
  readonly lines: readonly Line[];
  readonly label: string;
  readonly scrolls: boolean;
  readonly numbered: boolean;
  /** A difference: lines that begin with + or - are coloured. */
  readonly compares?: boolean;
  readonly reading?: Reading | undefined;
}) {
  const { lines, reading } = props;
  const className = `code${props.scrolls ? " code-scrolls" : ""}${props.numbered ? " code-numbered" : ""}`;
  return (
    // biome-ignore lint/a11y/useSemanticElements: a labelled group of text is not a fieldset
    <div
      className={className}
      role="group"
      aria-label={props.label}
      tabIndex={props.scrolls ? 0 : undefined}
      dir="ltr"
      translate="no"
    >
      {withReadingMarks(lines).map(({ number, parts }) => (
        <div key={number} className={props.compares ? `line${comparedClass(lines[number - 1])}` : "line"} data-line={number}>
          {parts.map((part, index) =>
            part === "mark" ? (
              reading && <span key={index} ref={reading.mark} className="reading-mark" />
            ) : (
              <ExactSpan key={index} span={part} />
            ),
          )}
        </div>
      ))}
    </div>
  );
});

function comparedClass(line: Line | undefined): string {
  const first = line?.spans[0]?.source[0];
  if (first === "+") return " line-added";
  return first === "-" ? " line-removed" : "";
}
