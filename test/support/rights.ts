/** A rule of RBAC, as roles and reviews of access write it. */
export interface Rule {
  verbs: string[];
  apiGroups: string[];
  resources: string[];
}

/** What a request does, of which a right is needed. */
export interface Action {
  verb: string;
  group?: string | undefined;
  resource: string;
  subresource?: string | undefined;
}

/** A right, as `verb group/resource`, or `verb group/resource/subresource`. The core group is empty. */
export function rightFor({ verb, group = "", resource, subresource }: Action): string {
  return `${verb} ${group}/${resource}${subresource === undefined ? "" : `/${subresource}`}`;
}

/** The rights that rules give; a rule names a subresource as `resource/subresource`. */
export function rightsOf(rules: readonly Rule[]): string[] {
  return rules.flatMap(({ verbs, apiGroups, resources }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => verbs.map((verb) => rightFor({ verb, group, resource }))),
    ),
  );
}
