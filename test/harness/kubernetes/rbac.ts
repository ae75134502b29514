import type { Attributes, User } from "./asked.ts";
import { type ApiObject, type Fields, fieldsOf, isFields, listOf, textOf } from "./object.ts";
import { kindOf, type ObjectStore } from "./store.ts";

/** Whether the roles that are stored let a user do something ("Using RBAC Authorization"). */
export function isAllowed(store: ObjectStore, user: User, attributes: Attributes): boolean {
  if (user.groups.includes("system:masters")) return true;
  const clusterWide = store.list(kindOf("ClusterRoleBinding"));
  const local = attributes.namespace === "" ? [] : store.list(kindOf("RoleBinding"), attributes.namespace);
  return [...clusterWide, ...local].some(
    (binding) =>
      listOf(binding, "subjects").some((one) => isSubject(one, user)) &&
      rulesOf(store, binding).some((rule) => covers(rule, attributes)),
  );
}

function rulesOf(store: ObjectStore, binding: ApiObject): Fields[] {
  const role = fieldsOf(binding, "roleRef");
  const found = store.find(kindOf(String(role.kind)), binding.metadata.namespace ?? "", String(role.name));
  return listOf(found, "rules").filter(isFields);
}

function isSubject(subject: unknown, { username, groups }: User): boolean {
  const name = textOf(subject, "name") ?? "";
  switch (textOf(subject, "kind")) {
    case "User":
      return username === name;
    case "Group":
      return groups.includes(name);
    default:
      return username === `system:serviceaccount:${textOf(subject, "namespace")}:${name}`;
  }
}

function covers(rule: Fields, { verb, group, resource, subresource, name }: Attributes): boolean {
  const has = (member: string, ...wanted: readonly string[]) => {
    const list = listOf(rule, member);
    return list.includes("*") || wanted.some((one) => list.includes(one));
  };
  const path = subresource === "" ? resource : `${resource}/${subresource}`;
  const names = listOf(rule, "resourceNames");
  return has("verbs", verb) && has("apiGroups", group) && has("resources", path) && (names.length === 0 || names.includes(name));
}

/** What must be allowed to act as somebody else. */
export function impersonationNeeds({ username, uid, groups, extra = {} }: User): Attributes[] {
  const verb = { verb: "impersonate", subresource: "", namespace: "" };
  const [, , namespace, name] = username.split(":");
  const isAccount = username.startsWith("system:serviceaccount:") && namespace !== undefined && name !== undefined;
  return [
    isAccount
      ? { ...verb, group: "", resource: "serviceaccounts", namespace, name }
      : { ...verb, group: "", resource: "users", name: username },
    ...groups
      .filter((one) => one !== "system:authenticated")
      .map((one) => ({ ...verb, group: "", resource: "groups", name: one })),
    ...(uid === undefined ? [] : [{ ...verb, group: "authentication.k8s.io", resource: "uids", name: uid }]),
    ...Object.entries(extra).flatMap(([key, values]) =>
      values.map((one) => ({ ...verb, group: "authentication.k8s.io", resource: "userextras", subresource: key, name: one })),
    ),
  ];
}
