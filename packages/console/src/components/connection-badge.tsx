import { countdown } from "../display/time.ts";
import { useFeed, useServices, useTimedText } from "../services.ts";
import { Button } from "../ui/button.tsx";

/** Whether what is on the screen is up to date. */
export function ConnectionBadge() {
  const { connection } = useFeed();
  if (connection.state === "live") return <Badge tone="live" text="Live" />;
  if (connection.state === "connecting") return <Badge tone="connecting" text="Connecting" />;
  return <Waiting retryAtMs={connection.retryAtMs} />;
}

function Waiting({ retryAtMs }: { readonly retryAtMs: number }) {
  const { feed } = useServices();
  // The pause is measured by this machine's clock, not by the server's.
  const left = useTimedText(() => countdown(retryAtMs - Date.now()));
  return (
    <>
      <Badge tone="offline" text="Offline" />
      <Button look="quiet" className="retry" aria-label="Reconnect now" onPress={() => feed.retryNow()}>
        retry <span aria-hidden="true">{left}</span>
      </Button>
    </>
  );
}

function Badge({ tone, text }: { readonly tone: "live" | "connecting" | "offline"; readonly text: string }) {
  return (
    <span className={`connection connection-${tone}`} role="status" aria-label={`Live updates: ${text}`}>
      {text}
    </span>
  );
}
