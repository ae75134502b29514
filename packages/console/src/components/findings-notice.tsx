import type { findings } from "../display/exact-text.ts";
import { Notice } from "../ui/notice.tsx";

const words = {
  hidden: {
    tone: "danger",
    one: "1 hidden or misleading character, shown as a boxed escape",
    many: (count: number) => `${count} hidden or misleading characters, shown as boxed escapes`,
  },
  lookalike: {
    tone: "danger",
    one: "1 word that only looks like another, underlined below",
    many: (count: number) => `${count} words that only look like others, underlined below`,
  },
  "right-to-left": {
    tone: "caution",
    one: "Right-to-left text, shown in the order in which it is stored",
    many: () => "Right-to-left text, shown in the order in which it is stored",
  },
} as const;

/** Says what in the operation is not what it seems (ap-display). */
export function FindingsNotice(props: { readonly findings: ReturnType<typeof findings> }) {
  return props.findings.map(({ kind, count, notes }) => (
    <Notice key={kind} tone={words[kind].tone} title={count === 1 ? words[kind].one : words[kind].many(count)}>
      {kind !== "right-to-left" && <p>{notes.join("; ")}.</p>}
    </Notice>
  ));
}
