import type { CaptureResult, Verdict } from './conform-capture.ts';
import { FIELD_CLASSES, type FieldClassName } from './field-class.ts';
import { NOISE, SUBTRACTION_NOISE } from './noise.ts';
import { OUT_OF_SCOPE } from './out-of-scope.ts';
import type { ClassCount } from './tally.ts';

/** verified: compared and never off; off: some field disagrees; absent: no capture of the kernel holds such a field. */
export type Verification = 'verified' | 'off' | 'absent';

/** The model against a set of captures, ready to be printed or read by other tools. */
export interface ConformReport {
  /** off beats not judged, which beats within noise. */
  verdict: Verdict;
  captures: CaptureResult[];
  /** Sums over the captures that were judged. */
  totals: { fieldClass: FieldClassName; count: ClassCount }[];
  /** Per kernel profile, how far each field class can be trusted. */
  verification: { profile: string; classes: Record<FieldClassName, Verification> }[];
  /** Noise classes that excused a field. */
  noise: { id: string; title: string; bound: string; reason: string; fields: number }[];
  outOfScope: { fieldClass: FieldClassName; fields: string; reason: string }[];
}

/** Puts the results of captures together. */
export function conformReport(captures: readonly CaptureResult[]): ConformReport {
  const profiles = [...new Set(captures.flatMap(({ profile }) => profile ?? []))].sort();
  return {
    verdict: overall(captures.map(({ verdict }) => verdict)),
    captures: [...captures],
    totals: totalsOf(captures),
    verification: profiles.map((profile) => ({
      profile,
      classes: verify(captures.filter((capture) => capture.profile === profile)),
    })),
    noise: usedNoise(captures),
    outOfScope: OUT_OF_SCOPE.map(({ fieldClass, fields, reason }) => ({ fieldClass, fields, reason })),
  };
}

const WORST_FIRST: readonly Verdict[] = ['off', 'not judged', 'within noise', 'exact'];

function overall(verdicts: readonly Verdict[]): Verdict {
  return WORST_FIRST.find((verdict) => verdicts.includes(verdict)) ?? 'not judged';
}

function totalsOf(captures: readonly CaptureResult[]): ConformReport['totals'] {
  return FIELD_CLASSES.flatMap((fieldClass) => {
    const count = { compared: 0, exact: 0, noise: 0, off: 0 };
    for (const one of captures.flatMap(({ classes }) => classes)) {
      if (one.fieldClass !== fieldClass) continue;
      for (const key of Object.keys(count) as (keyof ClassCount)[]) count[key] += one.count[key];
    }
    return count.compared > 0 ? [{ fieldClass, count }] : [];
  });
}

function verify(captures: readonly CaptureResult[]): Record<FieldClassName, Verification> {
  const totals = new Map(totalsOf(captures).map(({ fieldClass, count }) => [fieldClass, count]));
  return Object.fromEntries(
    FIELD_CLASSES.map((fieldClass): [FieldClassName, Verification] => {
      const count = totals.get(fieldClass);
      return [fieldClass, count ? (count.off > 0 ? 'off' : 'verified') : 'absent'];
    }),
  ) as Record<FieldClassName, Verification>;
}

function usedNoise(captures: readonly CaptureResult[]): ConformReport['noise'] {
  return [...NOISE, ...Object.values(SUBTRACTION_NOISE)].flatMap(({ id, title, bound, reason }) => {
    const fields = captures
      .flatMap(({ excuses }) => excuses)
      .reduce((sum, excuse) => (excuse.id === id ? sum + excuse.fields : sum), 0);
    return fields > 0 ? [{ id, title, bound, reason, fields }] : [];
  });
}

/** Exit code of the command line: 0 agrees, 1 something is off, 4 something could not be judged. */
export function conformExitCode({ verdict }: ConformReport): 0 | 1 | 4 {
  return verdict === 'off' ? 1 : verdict === 'not judged' ? 4 : 0;
}
