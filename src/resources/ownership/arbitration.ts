/** A resource that wants a certain flow or entry. */
export interface Claimant {
  /** `namespace/name`. */
  key: string;
  uid: string;
  /** RFC 3339, as in its metadata. */
  createdAt: string;
  /** How firm its right to it is. */
  title: Title;
  /** It is being deleted: it still holds what it has, and inherits nothing. */
  leaving: boolean;
}

/** `recorded` in the status, `claimed` by the annotation, or only `declared` by the spec. */
export type Title = "recorded" | "claimed" | "declared";

const RANK: Record<Title, number> = { recorded: 0, claimed: 1, declared: 2 };

/**
 * Who may write something: the recorded owner, then the oldest resource, then the lower uid. A resource being deleted counts as long as
 * it has more than a wish.
 */
export function winnerOf(claimants: readonly Claimant[]): Claimant | undefined {
  return claimants.filter(({ title, leaving }) => !leaving || title !== "declared").toSorted(byRight)[0];
}

/** Who takes over when the owner goes. */
export function heirOf(claimants: readonly Claimant[], owner: string): Claimant | undefined {
  return winnerOf(claimants.filter(({ uid, leaving }) => uid !== owner && !leaving));
}

function byRight(a: Claimant, b: Claimant): number {
  return RANK[a.title] - RANK[b.title] || compare(a.createdAt, b.createdAt) || compare(a.uid, b.uid);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
