export const GROUP = "kestraflow.dev";
export const FINALIZER = `${GROUP}/finalizer`;

/** Annotations that users set, and one that the operator keeps. */
export const ANNOTATION = {
  /** "true": leave the resource alone. Deleting it still works. */
  paused: `${GROUP}/paused`,
  /** Any new value: reconcile now. */
  reconcileRequestedAt: `${GROUP}/reconcile-requested-at`,
  /** "true" on a resource being deleted: let it go without touching Kestra, for administrators whose Kestra is gone for good. */
  abandon: `${GROUP}/abandon`,
  /** The operator's own: what this resource is about to create, or was handed over. */
  claim: `${GROUP}/claim`,
} as const;
