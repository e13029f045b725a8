import { SMAPS_FIELDS, fieldKb } from '../procfs/smaps-fields.ts';
import { statusKb } from '../procfs/status.ts';
import { type ProcessComparison, withReferenced } from './compare-mappings.ts';
import type { FieldClassName } from './field-class.ts';
import { gap, intervalText, isPoint, minus, point, type Interval } from './interval.ts';
import { noiseFor } from './noise.ts';
import { OWN_STATUS_NAMES, ownRollup, ownStatus, type OwnStatus } from './own-memory.ts';
import type { ProcessReading } from './process-reading.ts';
import { scoreSpan, type ScoreScale } from './score-noise.ts';
import type { Tally } from './tally.ts';

/** What the own mappings measured over the snapshots of a process so far, this one included. */
export interface OwnHistory {
  sizeKb: Interval;
  rssKb: Interval;
}

/** What one side's totals are made of. */
interface Side {
  reading: ProcessReading;
  own: OwnStatus;
  history: OwnHistory;
  /** kB by which the high-water mark of the size is above what steps mapped. */
  reservedKb: number;
}

/** Both sides' own parts over time, and the excess of the capture's high-water mark. */
export interface TotalsComparison extends ProcessComparison {
  kernelHistory: OwnHistory;
  modelHistory: OwnHistory;
  reservedKb: number;
  scoreScale: ScoreScale;
}

const PAGE_KB = 4;

/** Compares the totals of a process after taking away what the worker program's own mappings add. */
export function compareTotals(tally: Tally, comparison: TotalsComparison): void {
  const { kernel, model, kernelHistory, modelHistory, reservedKb, goTo, context } = comparison;
  const sides: Record<'kernel' | 'model', Side> = {
    kernel: { reading: kernel, own: ownStatus(kernel.ownVmas), history: kernelHistory, reservedKb },
    model: { reading: model, own: ownStatus(model.ownVmas), history: modelHistory, reservedKb: 0 },
  };
  goTo('status');
  for (const name of STATUS_NAMES) {
    if (statusKb(kernel.status, name) === undefined) continue;
    compareRest(
      tally,
      comparison,
      'status',
      name,
      restOfStatus(name, sides.kernel),
      restOfStatus(name, sides.model),
    );
  }
  if (kernel.statm) {
    goTo('statm');
    for (const [column, names] of Object.entries(STATM)) {
      const rest = (side: Side): Interval | null => restOfStatm(column as keyof typeof STATM, names, side);
      compareRest(tally, comparison, 'statm', column, rest(sides.kernel), rest(sides.model));
    }
  }
  goTo('smaps_rollup');
  const ofRollup = {
    ...comparison,
    context: withReferenced(comparison, kernel.rollup?.smaps, model.rollup?.smaps),
  };
  for (const field of SMAPS_FIELDS) {
    const rest = ({ reading }: Side): Interval | null =>
      reading.rollup &&
      minus(point(fieldKb(field, reading.rollup.smaps)), ownRollup(reading.ownVmas, field.label));
    compareRest(tally, ofRollup, 'smaps_rollup', field.label, rest(sides.kernel), rest(sides.model));
  }
  if (kernel.oomScore !== null) {
    goTo('oom_score');
    const compared = {
      fieldClass: 'oom_score' as const,
      field: 'oom_score',
      kernel: kernel.oomScore.trim(),
      model: model.oomScore?.trim() ?? null,
    };
    const span = scoreSpan(kernel, model, comparison.scoreScale);
    const { bound, ids } = noiseFor('oom_score', 'oom_score', { ...context, scoreSpan: span });
    const difference = Math.abs(Number(compared.kernel) - Number(compared.model ?? Number.NaN));
    if (difference > 0 && difference <= bound) tally.add(compared, ids);
    else tally.text(compared);
  }
}

/** Memory lines of status in the kernel's order. VmPin is always zero here. */
const STATUS_NAMES = ['VmPeak', 'VmPin', 'VmHWM', 'VmPTE', ...OWN_STATUS_NAMES] as const;

/** Columns of statm and the lines of status that they add up, in pages. */
const STATM = {
  size: ['VmSize'],
  resident: ['VmRSS'],
  shared: ['RssFile', 'RssShmem'],
  text: ['VmExe'],
  data: ['VmData', 'VmStk'],
} as const;

function restOfStatus(name: (typeof STATUS_NAMES)[number], side: Side): Interval | null {
  const kb = statusKb(side.reading.status, name);
  if (kb === undefined) return null;
  if (name === 'VmPeak') return minus(point(kb - side.reservedKb), side.history.sizeKb);
  if (name === 'VmHWM') return minus(point(kb), side.history.rssKb);
  return point(name === 'VmPin' || name === 'VmPTE' ? kb : kb - side.own[name]);
}

function restOfStatm(
  column: keyof typeof STATM,
  names: readonly (keyof OwnStatus)[],
  { reading, own }: Side,
): Interval | null {
  if (!reading.statm) return null;
  return point(reading.statm[column] - names.reduce((sum, name) => sum + own[name], 0) / PAGE_KB);
}

/** Two intervals agree exactly when both are the same number, and with an excuse when they overlap or noise spans the gap. */
function compareRest(
  tally: Tally,
  { context }: ProcessComparison,
  fieldClass: FieldClassName,
  field: string,
  kernel: Interval | null,
  model: Interval | null,
): void {
  const unit = fieldClass === 'statm' ? 'pages' : 'kB';
  const words = (rest: Interval | null): string | null =>
    rest && `${field}: ${intervalText(rest)} ${unit} without own mappings`;
  const { bound, ids } = noiseFor(fieldClass, field, context);
  const isIdle = kernel !== null && gap(kernel, point(0)) <= bound;
  const compared = { fieldClass, field, kernel: words(kernel), model: words(model), isIdle };
  if (!kernel || !model) {
    tally.add(compared, 'off');
    return;
  }
  const distance = gap(kernel, model);
  if (distance === 0 && isPoint(kernel) && isPoint(model)) {
    tally.add(compared, 'exact');
    return;
  }
  const vague =
    isPoint(kernel) && isPoint(model) ? [] : [field.startsWith('Vm') ? 'own-history' : 'rounding'];
  if (distance === 0) tally.add(compared, vague);
  else tally.add(compared, distance <= bound ? [...vague, ...ids] : 'off');
}
