import stringWidth from "string-width";

/** How a column is laid out. */
export interface TableColumn {
  readonly title: string;
  readonly align?: "left" | "right";
  /** May lose its end when the table is wider than the screen. */
  readonly shrinks?: boolean;
}

/** Cuts a text to a number of terminal columns; what was cut ends in `…`. */
export function truncate(text: string, columns: number): string {
  if (stringWidth(text) <= columns) return text;
  let used = 0;
  let kept = "";
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    used += stringWidth(segment);
    if (used > columns - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** Fills a text with spaces to a number of terminal columns; an endless column is not filled. */
function pad(text: string, columns: number, align: TableColumn["align"] = "left"): string {
  const space = Number.isFinite(columns) ? " ".repeat(Math.max(0, columns - stringWidth(text))) : "";
  return align === "right" ? space + text : text + space;
}

/** The widths at which a table's cells fit a screen: every column as wide as its widest cell, those that may shrink share what is left. */
export function columnWidths(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  screen: number,
): readonly number[] {
  const natural = columns.map((column, index) =>
    rows.reduce((widest, row) => Math.max(widest, stringWidth(row[index] ?? "")), stringWidth(column.title)),
  );
  let excess = natural.reduce((sum, one) => sum + one, 0) + gap.length * (columns.length - 1) - screen;
  const widths = [...natural];
  while (excess > 0) {
    const widest = widestShrinking(columns, widths);
    if (widest === undefined) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess -= 1;
  }
  return widths;
}

/** One line of a table. */
export function tableLine(columns: readonly TableColumn[], widths: readonly number[], cells: readonly string[]): string {
  return columns
    .map((column, index) => pad(truncate(cells[index] ?? "", widths[index] ?? 0), widths[index] ?? 0, column.align))
    .join(gap)
    .trimEnd();
}

const gap = "  ";
const narrowest = 8;

function widestShrinking(columns: readonly TableColumn[], widths: readonly number[]): number | undefined {
  let found: number | undefined;
  for (const [index, column] of columns.entries()) {
    const own = widths[index] ?? 0;
    if (column.shrinks === true && own > narrowest && own > (found === undefined ? 0 : (widths[found] ?? 0))) found = index;
  }
  return found;
}
