import type { ApiError } from "../api/api-error.ts";
import { explain } from "../api/explain.ts";
import { useServices } from "../services.ts";
import { Button } from "../ui/button.tsx";
import { Page } from "../ui/page.tsx";

const why = {
  none: { heading: "Sign in", text: "This page is for the people who approve what agents do." },
  ended: { heading: "Your session has ended", text: "Nothing that you had not confirmed was sent." },
  left: { heading: "You are signed out", text: "This browser can no longer see or decide requests." },
} as const;

/** Nobody is signed in. */
export function SignedOutPage(props: { readonly why: keyof typeof why }) {
  const { heading, text } = why[props.why];
  return (
    <Page title={heading} heading={heading} className="door">
      <p>{text}</p>
      <HowToSignIn />
    </Page>
  );
}

/** A sign-in link was refused. */
export function RefusedPage({ error }: { readonly error: ApiError }) {
  const { session } = useServices();
  const linkIsBad = error.code === "unauthenticated" || error.code === "not_found" || error.code === "invalid_request";
  const heading = linkIsBad ? "This sign-in link does not work any more" : explain(error).title;
  return (
    <Page title="Sign-in failed" heading={heading} className="door">
      <p>
        {linkIsBad ? "Each link works once and for ten minutes. It was used already, or it has expired." : explain(error).detail}
      </p>
      <HowToSignIn />
      <p>
        <Button onPress={() => session.check()}>I am signed in already</Button>
      </p>
    </Page>
  );
}

/** The server cannot be asked. */
export function UnreachablePage({ error }: { readonly error: ApiError }) {
  const { session } = useServices();
  const { title, detail } = explain(error);
  return (
    <Page title={title} heading={title} className="door">
      <p>{detail}</p>
      <Button onPress={() => session.check()}>Try again</Button>
    </Page>
  );
}

function HowToSignIn() {
  return (
    <>
      <p>On the machine where Countersign runs, get a new link and open it in this browser:</p>
      <pre className="command">
        <code>countersign sign-in</code>
      </pre>
    </>
  );
}
