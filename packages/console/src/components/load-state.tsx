import { explain } from "../api/explain.ts";
import type { Loaded } from "../loading.ts";
import { Button } from "../ui/button.tsx";
import { Notice } from "../ui/notice.tsx";

/** Why a list could not be read, or that it is being read; nothing once it is there. */
export function LoadState({ loaded }: { readonly loaded: Loaded<unknown> }) {
  if (loaded.failure !== undefined) {
    const { title, detail } = explain(loaded.failure);
    return (
      <Notice tone="caution" title={title} live>
        <p>{detail}</p>
        <Button onPress={loaded.reload}>Try again</Button>
      </Notice>
    );
  }
  return loaded.value === undefined ? <p className="loading">Loading…</p> : null;
}
