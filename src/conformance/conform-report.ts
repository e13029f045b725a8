import type { FieldCount, ProfileVerification } from '../result/verification.ts';
import type { CaptureResult, Verdict } from './conform-capture.ts';
import { FIELD_CLASSES, type FieldClassName } from './field-class.ts';
import { NOISE, SUBTRACTION_NOISE } from './noise.ts';
import { OUTCOME_NOISE } from './outcome-noise.ts';
import { OUT_OF_SCOPE } from './out-of-scope.ts';
import { sumCounts } from './tally.ts';

/** One capture in a report, whose fields are summed over the captures of a kernel. */
export type CaptureReport = Omit<CaptureResult, 'fields'>;

/** The model against a set of captures, ready to be printed or read by other tools. */
export interface ConformReport {
  /** off beats not judged, which beats within noise. */
  verdict: Verdict;
  captures: CaptureReport[];
  /** Sums over the captures that were compared, if only up to some step. */
  totals: { fieldClass: FieldClassName; count: FieldCount }[];
  /** Per kernel profile, how often each field was compared and how it went: labels are made of it. */
  verification: ProfileVerification[];
  /** Noise classes that excused a field. */
  noise: { id: string; title: string; bound: string; reason: string; fields: number }[];
  outOfScope: { fieldClass: FieldClassName; fields: string; reason: string }[];
}

/** Puts the results of captures together. */
export function conformReport(results: readonly CaptureResult[]): ConformReport {
  const profiles = [...new Set(results.flatMap(({ profile }) => profile ?? []))].sort();
  return {
    verdict: overall(results.map(({ verdict }) => verdict)),
    captures: results.map(withoutFields),
    totals: totalsOf(results),
    verification: profiles.map((profile) =>
      verify(
        profile,
        results.filter((one) => one.profile === profile),
      ),
    ),
    noise: usedNoise(results),
    outOfScope: OUT_OF_SCOPE.map(({ fieldClass, fields, reason }) => ({ fieldClass, fields, reason })),
  };
}

function withoutFields(result: CaptureResult): CaptureReport {
  const report: Partial<CaptureResult> = { ...result };
  delete report.fields;
  return report as CaptureReport;
}

const WORST_FIRST: readonly Verdict[] = ['off', 'not judged', 'within noise', 'exact'];

function overall(verdicts: readonly Verdict[]): Verdict {
  return WORST_FIRST.find((verdict) => verdicts.includes(verdict)) ?? 'not judged';
}

function totalsOf(results: readonly CaptureResult[]): ConformReport['totals'] {
  return FIELD_CLASSES.flatMap((fieldClass) => {
    const counts = results.flatMap(({ classes }) =>
      classes.filter((one) => one.fieldClass === fieldClass).map(({ count }) => count),
    );
    return counts.length > 0 ? [{ fieldClass, count: sumCounts(counts) }] : [];
  });
}

function verify(profile: string, results: readonly CaptureResult[]): ProfileVerification {
  const names = (all: readonly (string | null)[]): string[] =>
    [...new Set(all)].filter((name) => name !== null).sort();
  const judged = results.filter(({ strategy }) => strategy !== null);
  return {
    profile,
    releases: names(judged.map(({ release }) => release)),
    strategies: names(judged.map(({ strategy }) => strategy)),
    vmTypes: names(judged.flatMap(({ vmTypes }) => vmTypes)),
    fields: fieldsOf(judged),
  };
}

function fieldsOf(results: readonly CaptureResult[]): ProfileVerification['fields'] {
  const all = results.flatMap(({ fields }) => fields);
  return Object.fromEntries(
    FIELD_CLASSES.flatMap((fieldClass): [FieldClassName, Record<string, FieldCount>][] => {
      const tallies = all.filter((one) => one.fieldClass === fieldClass).map(({ fields }) => fields);
      const names = [...new Set(tallies.flatMap((fields) => [...fields.keys()]))].sort();
      const count = (name: string): FieldCount =>
        sumCounts(tallies.flatMap((fields) => fields.get(name) ?? []));
      return names.length === 0
        ? []
        : [[fieldClass, Object.fromEntries(names.map((name) => [name, count(name)]))]];
    }),
  );
}

function usedNoise(results: readonly CaptureResult[]): ConformReport['noise'] {
  return [...NOISE, ...Object.values(SUBTRACTION_NOISE), ...OUTCOME_NOISE].flatMap(
    ({ id, title, bound, reason }) => {
      const fields = results
        .flatMap(({ excuses }) => excuses)
        .reduce((sum, excuse) => (excuse.id === id ? sum + excuse.fields : sum), 0);
      return fields > 0 ? [{ id, title, bound, reason, fields }] : [];
    },
  );
}

/** Exit code of the command line: 0 agrees, 1 something is off, 4 something could not be judged. */
export function conformExitCode({ verdict }: ConformReport): 0 | 1 | 4 {
  return verdict === 'off' ? 1 : verdict === 'not judged' ? 4 : 0;
}
