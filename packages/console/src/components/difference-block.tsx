import { useMemo } from "react";
import { difference } from "../display/difference.ts";
import { ExactSpan } from "../ui/exact.tsx";

const marks = { same: " ", removed: "−", added: "+" } as const;
const words = { same: "", removed: "removed: ", added: "added: " } as const;

/** Two texts, line by line, with what changed between them; nothing in either can hide. */
export function DifferenceBlock(props: { readonly label: string; readonly before: string; readonly after: string }) {
  const { before, after } = props;
  const lines = useMemo(() => difference(before, after), [before, after]);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a labelled group of text is not a fieldset
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and has to by keyboard too
    <div className="code code-scrolls difference" role="group" aria-label={props.label} tabIndex={0} dir="ltr" translate="no">
      {lines.map(({ kind, line }, index) => (
        <div key={index} className={`line line-${kind}`}>
          <span className="line-mark" aria-hidden="true">
            {marks[kind]}
          </span>
          <span className="visually-hidden">{words[kind]}</span>
          {line.spans.map((span, at) => (
            <ExactSpan key={at} span={span} />
          ))}
          {line.end === "\r\n" && kind !== "same" && <ExactSpan span={carriageReturn} />}
        </div>
      ))}
    </div>
  );
}

const carriageReturn = {
  source: "\r",
  shown: "\\x0D",
  mark: { kind: "hidden", note: "carriage return at the line's end" },
} as const;
