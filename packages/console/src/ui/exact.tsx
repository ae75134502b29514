import { exactText, type Line, type Span } from "../display/exact-text.ts";
import { headlineText } from "../display/headline.ts";
import { sqlTokens } from "../display/sql-tokens.ts";

/** Statements that change something stand out from those that read. */
const changing = /^(?:delete|update|insert|merge|truncate|drop|alter|create|grant|revoke|copy|call|do)$/i;

/** One span: an escape is a box with its name, a marked word is underlined with its reason. */
export function ExactSpan({ span }: { readonly span: Span }) {
  const scope =
    span.scope === undefined
      ? ""
      : ` sql-${span.scope}${changing.test(span.shown) && span.scope === "keyword" ? " sql-changing" : ""}`;
  if (span.mark === undefined) return scope === "" ? span.shown : <span className={scope.trim()}>{span.shown}</span>;
  return (
    <mark className={`mark mark-${span.mark.kind}${scope}`} title={span.mark.note}>
      {span.shown}
      <span className="visually-hidden"> ({span.mark.note}) </span>
    </mark>
  );
}

/** A name or a short text from outside, on one line, with nothing hidden in it. Line ends are shown as `↵`. */
export function Exact({ text }: { readonly text: string }) {
  return <ExactLine lines={exactText(text)} lineEnd=" ↵ " />;
}

/** The beginning of a statement on one line, coloured; for lists, where nobody decides. */
export function ExactHeadline({ headline }: { readonly headline: string }) {
  const text = headlineText(headline);
  return <ExactLine lines={exactText(text, sqlTokens(text))} lineEnd=" " />;
}

function ExactLine({ lines, lineEnd }: { readonly lines: readonly Line[]; readonly lineEnd: string }) {
  return (
    <span className="exact" translate="no">
      {lines.map((line, number) => (
        <span key={number}>
          {line.spans.map((span, index) => (
            <ExactSpan key={index} span={span} />
          ))}
          {line.end === "" ? "" : lineEnd}
        </span>
      ))}
    </span>
  );
}
