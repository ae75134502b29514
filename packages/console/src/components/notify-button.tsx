import { useEffect, useState } from "react";
import { shownText } from "../display/exact-text.ts";
import { requestPath } from "../route.ts";
import { useServices } from "../services.ts";
import { Button } from "../ui/button.tsx";
import { Icon } from "../ui/icon.tsx";

const key = "countersign.notify";

/** Turns on browser notifications for new requests. Nothing is asked of the browser until the person presses it. */
export function NotifyButton() {
  const { feed, announcer, navigation } = useServices();
  const [on, setOn] = useState(
    () => "Notification" in window && Notification.permission === "granted" && localStorage.getItem(key) === "on",
  );
  useEffect(() => {
    if (!on) return undefined;
    return feed.onArrival((request) => {
      if (!document.hidden) return;
      // The statement stays out of it: notifications are shown on locked screens.
      const body = shownText(`${request.resource}: asked by ${request.principal.subject}`);
      const notification = new Notification("A request waits for you", { body, tag: request.id });
      notification.onclick = () => {
        focus();
        navigation.go(requestPath(request.id));
      };
    });
  }, [on, feed, navigation]);
  if (!("Notification" in window)) return null;
  const toggle = async () => {
    const wanted = !on && (await Notification.requestPermission()) === "granted";
    if (!on && !wanted) announcer.say("The browser does not allow notifications from this page");
    if (wanted) localStorage.setItem(key, "on");
    else localStorage.removeItem(key);
    setOn(wanted);
  };
  return (
    <Button look="quiet" className="notify" aria-pressed={on} onPress={toggle}>
      <Icon name="bell" /> <span className="notify-words">{on ? "Notifying you" : "Notify me"}</span>
    </Button>
  );
}
