/** What is known about a sub-resource. */
export interface Subresource {
  /** Whether GET changes nothing and opens nothing. */
  readonly reads?: true;
  /** Whether it opens a stream in both directions: GET and POST do the same. */
  readonly connects?: true;
  /** What else it opens, whatever the method: always opaque. */
  readonly wide?: string;
  /** What writing to it gives away: opaque unless it is read. */
  readonly wideToWrite?: string;
}

/**
 * Sub-resources by `resource.group/subresource`, as `kubectl auth can-i` writes them; `*` is any resource.
 * What is not listed is opaque: an aggregated API server may do anything under a name of its own.
 */
const subresources: Readonly<Record<string, Subresource>> = {
  "*/status": { reads: true },
  "*/scale": { reads: true },
  "pods/log": { reads: true },
  "pods/exec": { connects: true },
  "pods/attach": { connects: true, wide: "attach connects to the main process of a container" },
  "pods/portforward": { connects: true, wide: "port-forward opens a tunnel to any port of the pod" },
  "pods/proxy": { wide: "a proxy passes any request on to the pod" },
  "services/proxy": { wide: "a proxy passes any request on to the service" },
  "nodes/proxy": { wide: "a proxy to a node reaches the kubelet, which runs commands in every pod of the node" },
  "pods/ephemeralcontainers": { wide: "an ephemeral container runs any image inside the pod" },
  "serviceaccounts/token": { wide: "the answer is a token of the service account" },
  "certificatesigningrequests.certificates.k8s.io/approval": {
    reads: true,
    wideToWrite: "approving a signing request makes a certificate for whoever asked",
  },
  "pods/binding": {},
  "pods/eviction": {},
  "pods/resize": { reads: true },
  "namespaces/finalize": {},
};

/** What is known about a sub-resource; undefined for one that is not known. */
export function subresourceOf(group: string, resource: string, subresource: string): Subresource | undefined {
  const exact = `${group === "" ? resource : `${resource}.${group}`}/${subresource}`;
  return own(exact) ?? own(`*/${subresource}`);
}

function own(key: string): Subresource | undefined {
  return Object.hasOwn(subresources, key) ? subresources[key] : undefined;
}
