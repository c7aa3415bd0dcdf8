import { z } from "zod";
import type { Metadata } from "../../kubernetes/objects.ts";
import { ANNOTATION } from "../annotations.ts";
import { KESTRA_ID, KESTRA_NAMESPACE } from "./identity.ts";
import type { Identity } from "./identity.ts";

const Claim = z.object({
  /** Of the resource that claims: a copied manifest claims nothing. */
  uid: z.string(),
  tenant: z.string(),
  namespace: z.string().regex(KESTRA_NAMESPACE),
  id: z.string().regex(KESTRA_ID),
  /** Digest of the text about to be created. Without it, it is claimed whatever it holds. */
  digest: z.string().optional(),
});

/**
 * The intent to own something in Kestra, kept in an annotation. It is written before that is created, so that a crash in between does
 * not make a resource refuse what it made itself; adoption and hand-over write it too. With a digest it proves ownership only of what holds
 * exactly what was to be created.
 */
export type Claim = z.infer<typeof Claim>;

/** The claim that a resource carries, or undefined when there is none or it is another resource's. */
export function readClaim({ uid, annotations }: Pick<Metadata, "uid" | "annotations">): Claim | undefined {
  const text = annotations?.[ANNOTATION.claim];
  if (text === undefined) return undefined;
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = Claim.safeParse(json);
  return parsed.success && parsed.data.uid === uid ? parsed.data : undefined;
}

/** The annotation that states a claim. */
export function writeClaim(uid: string, { tenant, namespace, id }: Identity, digest?: string): Record<string, string> {
  const claim: Claim = { uid, tenant, namespace, id, ...(digest === undefined ? {} : { digest }) };
  return { [ANNOTATION.claim]: JSON.stringify(claim) };
}
