import { usePath, useServices, useSession } from "../services.ts";
import { Button } from "../ui/button.tsx";
import { Exact } from "../ui/exact.tsx";
import { Icon } from "../ui/icon.tsx";
import { Link } from "../ui/link.tsx";
import { ConnectionBadge } from "./connection-badge.tsx";
import { PageLinks } from "./page-links.tsx";
import { ThemeSwitch } from "./theme-switch.tsx";

/** The head of every page. */
export function TopBar({ onShortcuts }: { readonly onShortcuts: () => void }) {
  const { session } = useServices();
  const who = useSession();
  const path = usePath();
  const signedIn = who.state === "signed-in";
  return (
    <header className="top-bar">
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <Link href="/" className="brand" aria-label="Countersign, inbox">
        <Icon name="mark" />
        <span className="brand-name">Countersign</span>
      </Link>
      {signedIn && <PageLinks path={path} />}
      <div className="top-end">
        {signedIn && <ConnectionBadge />}
        {signedIn && (
          <Button
            look="quiet"
            className="shortcut-button"
            aria-label="Keyboard shortcuts"
            aria-keyshortcuts="?"
            onPress={onShortcuts}
          >
            <kbd>?</kbd>
          </Button>
        )}
        <ThemeSwitch />
        {who.state === "signed-in" && (
          <div className="who">
            <span className="who-name">
              <span className="visually-hidden">Signed in as </span>
              <Exact text={who.session.approver.subject} />
            </span>
            <Button look="quiet" onPress={() => session.signOut()}>
              Sign out
            </Button>
          </div>
        )}
      </div>
    </header>
  );
}
