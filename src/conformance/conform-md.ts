import type { FieldLabel } from '../result/types.ts';
import type { FieldCount } from '../result/verification.ts';
import type { CaptureReport, ConformReport } from './conform-report.ts';
import { captureWords, DEFAULT_OFFENCES } from './conform-table.ts';
import { outcomeOf, provenWords, remark, SIGN_WORDS, SIGNS } from './count-words.ts';
import { FIELD_CLASSES } from './field-class.ts';
import { offenceDiff } from './offence-diff.ts';

/** What people read memory usage from, with the label that it has on each kernel profile. */
export interface LabelledReading {
  title: string;
  /** In the order of the profiles. */
  labels: FieldLabel[];
}

/** A conformance report in Markdown: matrix, counts, differences, noise, and what is not compared. */
export function conformMd(
  report: ConformReport,
  readings: readonly LabelledReading[] = [],
  offences: number = DEFAULT_OFFENCES,
): string {
  const blocks = [
    ['# Conformance with real kernels', '', `Verdict: **${report.verdict}**`],
    matrix(report),
    verification(report),
    readingBlock(report, readings),
    ...report.captures.map((capture) => captureBlock(capture, offences)),
    noiseBlock(report),
    [
      '## Not compared',
      '',
      ...table(
        ['in', 'fields', 'why'],
        report.outOfScope.map((one) => [one.fieldClass, inline(one.fields), inline(one.reason)]),
      ),
    ],
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

/** Captures down, field classes across. */
function matrix({ captures }: ConformReport): string[] {
  const judged = captures.filter(({ classes }) => classes.length > 0);
  if (judged.length === 0) return [];
  const classes = FIELD_CLASSES.filter((name) => judged.some((capture) => countOf(capture, name)));
  return [
    '## Scenarios, kernels and field classes',
    '',
    ...table(
      ['scenario', 'kernel', 'steps that match', ...classes],
      judged.map((capture) => [
        inline(capture.scenario),
        inline(capture.release),
        `${capture.steps.matching} of ${capture.steps.recorded}`,
        ...classes.map((name) => cell(countOf(capture, name))),
      ]),
    ),
    '',
    'The number is that of the fields compared.',
    '',
    ...SIGN_WORDS.map((words) => `- ${words}`),
  ];
}

const countOf = (capture: CaptureReport, name: string): FieldCount | undefined =>
  capture.classes.find(({ fieldClass }) => fieldClass === name)?.count;

function cell(count: FieldCount | undefined): string {
  const outcome = outcomeOf(count);
  if (!count || outcome === 'absent') return SIGNS.absent;
  const beside = remark(count);
  const words = `${SIGNS[outcome]} ${count.compared}${beside === null ? '' : ` (${beside})`}`;
  return outcome === 'off' ? `**${words}**` : words;
}

function verification({ verification: profiles }: ConformReport): string[] {
  if (profiles.length === 0) return [];
  const list = (names: readonly string[]): string => (names.length > 0 ? inline(names.join(', ')) : 'none');
  return [
    '## What this verifies',
    '',
    ...table(
      ['', ...profiles.map(({ profile }) => `Linux ${profile}`)],
      [
        ['strategy', ...profiles.map(({ strategies }) => list(strategies))],
        ['kernels', ...profiles.map(({ releases }) => list(releases))],
        ['types of VM', ...profiles.map(({ vmTypes }) => list(vmTypes))],
        ...FIELD_CLASSES.map((name) => [
          name,
          ...profiles.map((profile) => provenWords(profile, name) ?? SIGNS.absent),
        ]),
      ],
    ),
    '',
    'A cell gives the verified fields, of those compared: never off, and at least once further from zero, or from the snapshot',
    'before, than noise allows.',
  ];
}

function readingBlock(
  { verification: profiles }: ConformReport,
  readings: readonly LabelledReading[],
): string[] {
  if (readings.length === 0 || profiles.length === 0) return [];
  return [
    '## Labels that follow for other reports',
    '',
    ...table(
      ['read from', ...profiles.map(({ profile }) => `Linux ${profile}`)],
      readings.map(({ title, labels }) => [inline(title), ...labels]),
    ),
    '',
    'At best, that is under the strategy and with the types of VM above; hypothetical under a design that the kernel does not have,',
    'else derived.',
  ];
}

function captureBlock(capture: CaptureReport, offences: number): string[] {
  const head = [
    `## ${inline(capture.scenario)}, ${inline(capture.release)}`,
    '',
    inline(captureWords(capture)),
  ];
  if (capture.offences.length === 0) return head;
  const diff = offenceDiff(capture, offences);
  const fence = '`'.repeat(Math.max(3, ...diff.map((line) => (/`+/.exec(line)?.[0].length ?? 0) + 1)));
  return [...head, '', `${fence}diff`, ...diff, fence];
}

function noiseBlock({ noise }: ConformReport): string[] {
  if (noise.length === 0) return [];
  const rows = noise.map(({ title, bound, reason, fields }) => [
    inline(title),
    `${fields}`,
    inline(bound),
    inline(reason),
  ]);
  return ['## Noise that excused a difference', '', ...table(['noise', 'fields', 'bound', 'why'], rows)];
}

/** Text that must not be read as Markdown. */
const inline = (text: string): string => text.replaceAll(/[\\`*_|<>[\]~]/g, (char) => `\\${char}`);

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)];
}
