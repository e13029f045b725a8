import { isProven } from '../result/trust.ts';
import type { FieldCount, ProfileVerification } from '../result/verification.ts';

/** How compared fields did, worst first. */
export type Outcome = 'off' | 'within noise' | 'exact' | 'absent';

/** A sign for each outcome, so that nothing hangs on colour. */
export const SIGNS: Readonly<Record<Outcome, string>> = {
  off: '✗',
  'within noise': '≈',
  exact: '✓',
  absent: '–',
};

/** What the signs mean, in the order good to bad. */
export const SIGN_WORDS: readonly string[] = [
  `${SIGNS.exact} every field equals the kernel's`,
  `${SIGNS['within noise']} some fields differ, within the bound of a noise class`,
  `${SIGNS.off} some fields are off`,
  `${SIGNS.absent} the capture has no such field`,
];

/** How a class of fields did. */
export function outcomeOf(count: FieldCount | undefined): Outcome {
  if (!count || count.compared === 0) return 'absent';
  return count.off > 0 ? 'off' : count.noise > 0 ? 'within noise' : 'exact';
}

/** What is said beside the number of compared fields: how many of them are off or within noise; null where all are equal. */
export function remark({ noise, off }: FieldCount): string | null {
  const words = [
    ...(off > 0 ? [`${SIGNS.off} ${off}`] : []),
    ...(noise > 0 ? [`${SIGNS['within noise']} ${noise}`] : []),
  ];
  return words.length > 0 ? words.join(' ') : null;
}

/** `18 of 31`: proven fields of a class on a kernel, of those compared; null where none was. */
export function provenWords({ fields }: ProfileVerification, fieldClass: string): string | null {
  const counts = Object.values(fields[fieldClass] ?? {});
  return counts.length === 0 ? null : `${counts.filter(isProven).length} of ${counts.length}`;
}
