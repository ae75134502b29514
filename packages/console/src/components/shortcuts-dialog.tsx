import { Dialog } from "../ui/dialog.tsx";

const shortcuts = [
  [
    "Inbox and history",
    [["j", "or", "↓"], "Next request"],
    [["k", "or", "↑"], "Previous request"],
    [["Enter"], "Open it"],
    [["/"], "Search"],
  ],
  [
    "A request",
    [["n"], "Show the next unseen part"],
    [["a"], "Approve: opens the confirmation"],
    [["d"], "Deny: opens the confirmation"],
    [["Ctrl", "Enter"], "Confirm"],
    [["Esc"], "Back"],
  ],
  ["Everywhere", [["i"], "Inbox"], [["h"], "History"], [["?"], "This list"]],
] as const;

/** The keys of the console. */
export function ShortcutsDialog({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      {shortcuts.map(([title, ...keys]) => (
        <section key={title}>
          <h3>{title}</h3>
          <dl className="shortcuts">
            {keys.map(([strokes, meaning]) => (
              <div key={meaning}>
                <dt>
                  {strokes.map((stroke) => (stroke === "or" ? <span key={stroke}> or </span> : <kbd key={stroke}>{stroke}</kbd>))}
                </dt>
                <dd>{meaning}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}
