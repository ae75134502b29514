import type { Detail } from "../api/model.ts";
import { requestPath } from "../route.ts";
import { Exact } from "../ui/exact.tsx";
import { Link } from "../ui/link.tsx";
import { Notice } from "../ui/notice.tsx";

/** Which request took this one's place, and whose place this one took. */
export function SuccessionNotice({ detail }: { readonly detail: Detail }) {
  const { replacedBy, replaces, replacesWhy } = detail;
  return (
    <>
      {replacedBy !== "" && (
        <Notice tone="caution" title="Another request took the place of this one">
          <p>
            Decide on <Link href={requestPath(replacedBy)}>the new request</Link> instead. It says what changed.
          </p>
        </Notice>
      )}
      {replaces !== "" && (
        <Notice tone="plain" title={<Exact text={replacesWhy === "" ? "It took the place of another request" : replacesWhy} />}>
          <p>
            It stands in the place of <Link href={requestPath(replaces)}>an earlier request</Link>, and needs votes of its own.
          </p>
        </Notice>
      )}
    </>
  );
}
