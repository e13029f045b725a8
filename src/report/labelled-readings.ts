import { INTERFACES } from '../analysis/interfaces.ts';
import type { LabelledReading } from '../conformance/conform-md.ts';
import { readingLabel } from '../result/trust.ts';
import type { ProfileVerification } from '../result/verification.ts';

/** Every interface with the label that a set of captures earns it on each kernel profile; those that no Linux has are left out. */
export function labelledReadings(verification: readonly ProfileVerification[]): LabelledReading[] {
  return INTERFACES.filter(({ sources }) => sources !== null).map(({ title, sources }) => ({
    title,
    labels: verification.map(({ profile }) => readingLabel(profile, sources, verification)),
  }));
}
