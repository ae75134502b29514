import { useEffect, useMemo, useState } from "react";
import { explain } from "../api/explain.ts";
import type { Detail } from "../api/model.ts";
import { Activity } from "../components/activity.tsx";
import { DecisionPanel } from "../components/decision-panel.tsx";
import { EmergencyNotice } from "../components/emergency-notice.tsx";
import { EvidenceView } from "../components/evidence.tsx";
import { FactsList } from "../components/facts-list.tsx";
import { OperationView } from "../components/operation.tsx";
import { OutcomeCard } from "../components/outcome-card.tsx";
import { Particulars } from "../components/particulars.tsx";
import { PastDecisions } from "../components/past-decisions.tsx";
import { PlanLines } from "../components/plan-lines.tsx";
import { Recording } from "../components/recording.tsx";
import { SuccessionNotice } from "../components/succession-notice.tsx";
import { UntrustedReason } from "../components/untrusted-reason.tsx";
import { decodeFacts, type Facts, sentences, wish } from "../display/facts.ts";
import { plural } from "../display/time.ts";
import { Reading } from "../reading.ts";
import { type Change, useRequest } from "../request-detail.ts";
import { useServices } from "../services.ts";
import { Button } from "../ui/button.tsx";
import { Exact } from "../ui/exact.tsx";
import { Icon } from "../ui/icon.tsx";
import { Link } from "../ui/link.tsx";
import { Notice } from "../ui/notice.tsx";
import { Page } from "../ui/page.tsx";

/** The page on which a person decides. */
export function RequestPage({ id }: { readonly id: string }) {
  const { navigation } = useServices();
  const { loaded, failure, refresh, vote, change } = useRequest(id);
  useEffect(() => {
    navigation.lastRequest = id;
  }, [id, navigation]);
  if (loaded === undefined) {
    return (
      <Page title="Request" heading={failure === undefined ? "Loading the request…" : explain(failure).title} className="door">
        {failure !== undefined && <p>{explain(failure).detail}</p>}
        {failure !== undefined && <Button onPress={refresh}>Try again</Button>}
        <p>
          <Link href="/">Back to the inbox</Link>
        </p>
      </Page>
    );
  }
  return (
    <LoadedRequest
      key={loaded.requestDigest}
      detail={loaded}
      failure={failure}
      onRefresh={refresh}
      onVote={vote}
      onChange={change}
    />
  );
}

function LoadedRequest(props: {
  readonly detail: Detail;
  readonly failure: unknown;
  readonly onRefresh: () => void;
  readonly onVote: Parameters<typeof DecisionPanel>[0]["onVote"];
  readonly onChange: Change;
}) {
  const { detail, failure } = props;
  const facts = useMemo(() => decodeFacts(detail.factsJson), [detail.factsJson]);
  const [reading] = useState(
    () => new Reading(matchMedia("(max-width: 60rem)").matches ? { top: 56, bottom: 170 } : { top: 56, bottom: 0 }),
  );
  const pending = detail.summary.state === "pending";
  const [struck, setStruck] = useState<ReadonlySet<number>>(new Set());
  const strike = (index: number, isStruck: boolean) => {
    const others = [...struck].filter((one) => one !== index);
    setStruck(new Set(isStruck ? [...others, index] : others));
  };
  return (
    <Page title={`${detail.summary.resource} request`} heading={<Headline detail={detail} facts={facts} />} className="request">
      <Link href="/" className="back">
        <Icon name="back" /> Inbox
      </Link>
      <div className="evidence">
        {failure !== undefined && <Failure failure={failure} onRefresh={props.onRefresh} />}
        <SuccessionNotice detail={detail} />
        {detail.outcome && <OutcomeCard outcome={detail.outcome} />}
        <EmergencyNotice detail={detail} />
        {detail.plan.length > 0 && (
          <PlanLines
            lines={detail.plan}
            reading={pending ? reading : undefined}
            struck={struck}
            onStrike={pending && detail.summary.canVote ? strike : undefined}
          />
        )}
        {detail.operation && (
          <OperationView
            operation={detail.operation}
            readings={detail.parameterReadings}
            reading={pending ? reading : undefined}
            warnings={pending && <Warnings facts={facts} />}
          />
        )}
        {mayBeRecorded(detail) && <Recording id={detail.summary.id} state={detail.summary.state} />}
        {detail.evidence && <EvidenceView evidence={detail.evidence} />}
        <div className="evidence-columns">
          {detail.operation && <FactsList facts={facts} withWarnings={!pending} />}
          <UntrustedReason reason={detail.reason} subject={detail.summary.principal.subject} />
        </div>
        <PastDecisions past={detail.past} />
        <Particulars detail={detail} />
        <Activity detail={detail} />
        <p className="request-id">
          Request <code>{detail.summary.id}</code>
        </p>
      </div>
      <DecisionPanel
        detail={detail}
        reading={reading}
        facts={facts}
        struck={struck}
        onVote={props.onVote}
        onChange={props.onChange}
      />
    </Page>
  );
}

/** Whether it may have a terminal: of anything else no recording is looked for. */
function mayBeRecorded({ operation }: Detail): boolean {
  if (operation?.kind === "ssh.exec") return operation.tty;
  return operation?.kind === "ssh.subsystem" || operation?.kind === "kubernetes.request";
}

function Headline({ detail, facts }: { readonly detail: Detail; readonly facts: Facts | undefined }) {
  return (
    <>
      <Exact text={detail.summary.principal.subject} /> <span className="quiet">asks to</span>{" "}
      <Exact text={asked(detail, facts)} /> <span className="quiet">on</span> <Exact text={detail.summary.resource} />
    </>
  );
}

function asked({ plan }: Detail, facts: Facts | undefined): string {
  return plan.length > 0 ? `run a plan of ${plural(plan.length, "line")}` : wish(facts);
}

/** What must be read before anything else. */
function Warnings({ facts }: { readonly facts: Facts | undefined }) {
  return sentences(facts)
    .filter((one) => one.tone === "danger")
    .map(({ text }) => <Notice key={text} tone="danger" title={<Exact text={text} />} />);
}

function Failure({ failure, onRefresh }: { readonly failure: unknown; readonly onRefresh: () => void }) {
  const { title, detail, next } = explain(failure);
  return (
    <Notice tone="caution" title={title} live>
      <p>
        {detail}
        {next === "refresh" && " The page below shows how it stands now."}
      </p>
      {next === "retry" && <Button onPress={onRefresh}>Refresh</Button>}
    </Notice>
  );
}
