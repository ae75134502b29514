import { useEffect, useEffectEvent } from "react";

/** Keys by `KeyboardEvent.key`. */
export type Hotkeys = Readonly<Record<string, () => void>>;

/** Runs single-key shortcuts, but never while someone types or a dialog is open, and never with a modifier. */
export function useHotkeys(keys: Hotkeys): void {
  const press = useEffectEvent((event: KeyboardEvent) => {
    if (
      event.defaultPrevented ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      (event.repeat && !/^(j|k|Arrow)/.test(event.key))
    )
      return;
    const target = event.target instanceof Element ? event.target : document.body;
    if (target.closest("input, textarea, select, [contenteditable], dialog[open]") !== null) return;
    const run = Object.hasOwn(keys, event.key) ? keys[event.key] : undefined;
    if (run === undefined) return;
    event.preventDefault();
    run();
  });
  useEffect(() => {
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, []);
}
