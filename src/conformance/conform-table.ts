import type { FieldCount } from '../result/verification.ts';
import type { CaptureReport, ConformReport } from './conform-report.ts';
import { offenceDiff } from './offence-diff.ts';

/** Differences shown of each capture, unless asked otherwise. */
export const DEFAULT_OFFENCES = 10;

const HEADS: readonly string[] = ['', 'compared', 'exact', 'noise', 'off'];

/** A conformance report for a terminal, `offences` differences a capture. */
export function conformTable(report: ConformReport, offences: number = DEFAULT_OFFENCES): string {
  const sections = [
    ...report.captures.map((capture) => captureSection(capture, offences)),
    ...(report.captures.length > 1 ? [totalsSection(report)] : []),
    noiseSection(report),
    scopeSection(report),
    [`verdict: ${report.verdict}`],
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.map((line) => line.trimEnd()).join('\n')}\n`)
    .join('\n');
}

/** One line on a capture: its name, kernel, verdict and how far it agrees. */
export function captureWords({ scenario, release, verdict, reason, steps }: CaptureReport): string {
  const words = [
    ...(reason === null ? [] : [reason]),
    ...(steps.recorded > 0 ? [`${steps.matching} of ${steps.recorded} steps match`] : []),
  ];
  return `${scenario} on ${release}: ${verdict} (${words.join('; ')})`;
}

function captureSection(capture: CaptureReport, offences: number): string[] {
  return [captureWords(capture), ...countLines(capture.classes), ...offenceDiff(capture, offences)];
}

function totalsSection({ totals, captures }: ConformReport): string[] {
  const compared = captures.filter(({ classes }) => classes.length > 0).length;
  return [`all ${compared} captures compared`, ...countLines(totals)];
}

function countLines(classes: readonly { fieldClass: string; count: FieldCount }[]): string[] {
  if (classes.length === 0) return [];
  const rows = classes.map(({ fieldClass, count }) => [
    fieldClass,
    ...[count.compared, count.exact, count.noise, count.off].map(String),
  ]);
  const all = [[...HEADS], ...rows];
  const widths = HEADS.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all.map(
    ([label, ...numbers]) =>
      `  ${label!.padEnd(widths[0]!)}${numbers.map((number, at) => `  ${number.padStart(widths[at + 1]!)}`).join('')}`,
  );
}

function noiseSection({ noise }: ConformReport): string[] {
  if (noise.length === 0) return [];
  return [
    'noise that excused a difference',
    ...noise.flatMap(({ title, bound, reason, fields }) => [
      `  ${title}: ${fields} field${fields === 1 ? '' : 's'}`,
      `    bound: ${bound}`,
      `    why: ${reason}`,
    ]),
  ];
}

function scopeSection({ outOfScope }: ConformReport): string[] {
  return [
    'not compared',
    ...outOfScope.flatMap(({ fieldClass, fields, reason }) => [
      `  ${fieldClass}: ${fields}`,
      `    why: ${reason}`,
    ]),
  ];
}
