import type { CaptureReport } from './conform-report.ts';
import type { Offence } from './tally.ts';

/** Offences of one place that show the same two lines. */
export interface OffenceGroup {
  step: number;
  snapshot: string | null;
  where: string;
  fields: string[];
  kernel: string | null;
  model: string | null;
}

/** Joins neighbouring offences whose lines are the same: several tokens of one line are one difference to look at. */
export function groupOffences(offences: readonly Offence[]): OffenceGroup[] {
  const groups: OffenceGroup[] = [];
  for (const { step, snapshot, where, field, kernel, model } of offences) {
    const last = groups.at(-1);
    const isSame =
      last?.step === step && last.where === where && last.kernel === kernel && last.model === model;
    if (isSame) last.fields.push(field);
    else groups.push({ step, snapshot, where, fields: [field], kernel, model });
  }
  return groups;
}

/** The first offences of a capture as a diff: `-` what the kernel said, `+` what the model says. */
export function offenceDiff(capture: CaptureReport, limit: number): string[] {
  const groups = groupOffences(capture.offences);
  const lines = groups.slice(0, limit).flatMap((group) => [headline(group), ...sides(group)]);
  const left = groups.length - limit;
  return left > 0 ? [...lines, `… and ${left} more differences`] : lines;
}

function headline({ step, snapshot, where, fields }: OffenceGroup): string {
  const moment = snapshot === null ? `step ${step}` : `step ${step}, snapshot ${snapshot}`;
  return `@@ ${moment}: ${where}: ${fields.join(', ')}`;
}

function sides({ kernel, model }: OffenceGroup): string[] {
  const lines = (sign: string, text: string | null): string[] =>
    (text === null ? ['(nothing)'] : text.replace(/\n$/, '').split('\n')).map((line) => `${sign}${line}`);
  return [...lines('-', kernel), ...lines('+', model)];
}
