import type { FieldLabel } from './types.ts';
import { VERIFICATION, type FieldCount, type ProfileVerification } from './verification.ts';

/** What the label of a whole world depends on. */
export interface WorldTraits {
  kernel: string;
  /** Canonical name of the strategy. */
  strategy: string;
  /** Linux of this version does what each part of the strategy does. */
  isMainline: boolean;
  /** Types of VM that the script creates. */
  vmTypes: readonly string[];
}

/**
 * How far the numbers of a world can be trusted at best. Where a design that the kernel does not have is at work, every number is
 * hypothetical, since placement and limits may decide over any of them. Else the world is verified if captures of that kernel
 * were compared with this very strategy, and had VMs of every type that the script creates: who maps, converts and clears private
 * memory differs by type, and no capture was made on SNP hardware, so that a world with an SNP guest is derived from what the
 * kernel does for other guests. So is one of mainline parts in a combination that was not compared.
 */
export function worldLabel(
  { kernel, strategy, isMainline, vmTypes }: WorldTraits,
  verification: readonly ProfileVerification[] = VERIFICATION,
): FieldLabel {
  if (!isMainline) return 'hypothetical';
  const profile = verification.find((one) => one.profile === kernel);
  const isCompared = profile?.strategies.includes(strategy) ?? false;
  return isCompared && vmTypes.every((type) => profile?.vmTypes.includes(type)) ? 'verified' : 'derived';
}

/** Whether a field is verified: it was never off, and moved at least once: a line that always said 0 proves nothing. */
export const isProven = ({ moved, off }: FieldCount): boolean => moved > 0 && off === 0;

/**
 * How far a reading can be trusted that is made of the given fields (`CLASS/NAME` as in ProfileVerification), whatever world it is
 * of. Verified: on this kernel the comparison of each of the fields proves something. Derived: some field was not, or the kernel prints none (an empty list). Hypothetical: no Linux has
 * such a thing (null).
 */
export function readingLabel(
  kernel: string,
  sources: readonly string[] | null,
  verification: readonly ProfileVerification[] = VERIFICATION,
): FieldLabel {
  if (sources === null) return 'hypothetical';
  const fields = verification.find((one) => one.profile === kernel)?.fields ?? {};
  const isVerified = (source: string): boolean => {
    const slash = source.indexOf('/');
    const count = fields[source.slice(0, slash)]?.[source.slice(slash + 1)];
    return count !== undefined && isProven(count);
  };
  return sources.length > 0 && sources.every(isVerified) ? 'verified' : 'derived';
}
