import { columnWidths, type TableColumn, tableLine } from "./table.ts";
import { line, paint, type Screen, width } from "./terminal.ts";

/** Writes a table with its titles, as wide as the screen. */
export function printTable(screen: Screen, columns: readonly TableColumn[], rows: readonly (readonly string[])[]): void {
  const widths = columnWidths(columns, rows, width(screen));
  const titles = columns.map(({ title }) => title);
  line(screen, paint(screen, "bold", tableLine(columns, widths, titles)));
  for (const cells of rows) line(screen, tableLine(columns, widths, cells));
}
