import type { ReactNode } from "react";
import type { Detail, Principal } from "../api/model.ts";
import { size } from "../display/bytes.ts";
import { duration } from "../display/time.ts";
import { Digest } from "../ui/copy.tsx";
import { Exact } from "../ui/exact.tsx";

/** Who asks, what is reached with which credential, the bounds, and the digests. */
export function Particulars({ detail }: { readonly detail: Detail }) {
  const { target, role, limits } = detail;
  const properties = Object.entries(target).filter(([name]) => name !== "type");
  return (
    <div className="particulars">
      <Group title="Target">
        <Row name="resource">
          <Exact text={detail.summary.resource} />
          {target.type && <span className="aside"> ({target.type})</span>}
        </Row>
        {properties.map(([name, value]) => (
          <Row key={name} name={name}>
            <Exact text={value} />
          </Row>
        ))}
        <Row name="credential">
          role <Exact text={role} />
        </Row>
      </Group>
      <Group title="Agent">
        <PrincipalRows principal={detail.summary.principal} />
        {detail.session !== "" && (
          <Row name="run">
            <Exact text={detail.session} /> <span className="aside">(says the agent)</span>
          </Row>
        )}
      </Group>
      <Group title="Limits on the result">
        <Row name="rows">{limits.rows > 0 ? `at most ${limits.rows.toLocaleString("en-US")}` : "no limit"}</Row>
        <Row name="size">{limits.bytes > 0 ? `at most ${size(limits.bytes)}` : "no limit"}</Row>
        <Row name="time">{limits.timeMs > 0 ? `at most ${duration(limits.timeMs)}` : "no limit"}</Row>
      </Group>
      <Group title="Digests">
        <Row name="request">
          <Digest digest={detail.requestDigest} label="request digest" />
        </Row>
        <Row name="action">
          <Digest digest={detail.actionDigest} label="action digest" />
        </Row>
        <Row name="policy">
          <Digest digest={detail.policyDigest} label="policy digest" />
        </Row>
      </Group>
    </div>
  );
}

function PrincipalRows({ principal }: { readonly principal: Principal }) {
  return (
    <>
      <Row name="subject">
        <Exact text={principal.subject} />
      </Row>
      <Row name="issuer">
        <Exact text={principal.issuer} />
      </Row>
      <Row name="groups">
        {principal.groups.length === 0 ? <span className="aside">none</span> : <Exact text={principal.groups.join(", ")} />}
      </Row>
    </>
  );
}

function Group({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  const id = `group-${title.toLowerCase().replaceAll(" ", "-")}`;
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <dl>{children}</dl>
    </section>
  );
}

function Row({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div className="row">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
