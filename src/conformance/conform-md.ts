import type { CaptureResult } from './conform-capture.ts';
import type { ConformReport, Verification } from './conform-report.ts';
import { captureWords, DEFAULT_OFFENCES } from './conform-table.ts';
import { FIELD_CLASSES } from './field-class.ts';
import { offenceDiff } from './offence-diff.ts';
import type { ClassCount } from './tally.ts';

const VERIFICATION_WORDS: Readonly<Record<Verification, string>> = {
  verified: 'verified',
  off: '**off**',
  absent: '-',
};

/** A conformance report in Markdown: matrix, counts, differences, noise, and what is not compared. */
export function conformMd(report: ConformReport, offences: number = DEFAULT_OFFENCES): string {
  const blocks = [
    ['# Conformance with real kernels', '', `Verdict: **${report.verdict}**`],
    matrix(report),
    verification(report),
    ...report.captures.map((capture) => captureBlock(capture, offences)),
    noiseBlock(report),
    [
      '## Not compared',
      '',
      ...table(
        ['in', 'fields', 'why'],
        report.outOfScope.map((one) => [one.fieldClass, one.fields, one.reason]),
      ),
    ],
  ];
  return blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n');
}

/** Field classes down, captures across: `exact/compared`, and what is off. */
function matrix({ captures }: ConformReport): string[] {
  const judged = captures.filter(({ reason }) => reason === null);
  if (judged.length === 0) return [];
  const classes = FIELD_CLASSES.filter((name) => judged.some((capture) => countOf(capture, name)));
  return [
    '## Captures',
    '',
    ...table(
      ['', ...judged.map(({ scenario, release }) => `${scenario}, ${release}`)],
      classes.map((name) => [name, ...judged.map((capture) => cell(countOf(capture, name)))]),
    ),
    '',
    'A cell gives the fields compared, then those within noise (~) and those that are off (!).',
  ];
}

const countOf = (capture: CaptureResult, name: string): ClassCount | undefined =>
  capture.classes.find(({ fieldClass }) => fieldClass === name)?.count;

function cell(count: ClassCount | undefined): string {
  if (!count) return '-';
  const { compared, noise, off } = count;
  return [`${compared}`, ...(noise > 0 ? [`~${noise}`] : []), ...(off > 0 ? [`**!${off}**`] : [])].join(' ');
}

function verification({ verification: profiles }: ConformReport): string[] {
  if (profiles.length === 0) return [];
  return [
    '## What this verifies',
    '',
    ...table(
      ['', ...profiles.map(({ profile }) => `Linux ${profile}`)],
      FIELD_CLASSES.map((name) => [
        name,
        ...profiles.map(({ classes }) => VERIFICATION_WORDS[classes[name]]),
      ]),
    ),
  ];
}

function captureBlock(capture: CaptureResult, offences: number): string[] {
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
  const rows = noise.map(({ title, bound, reason, fields }) => [title, `${fields}`, bound, reason]);
  return ['## Noise that excused a difference', '', ...table(['noise', 'fields', 'bound', 'why'], rows)];
}

/** Text that must not be read as Markdown. */
const inline = (text: string): string => text.replaceAll(/[\\`*_|<>[\]]/g, (char) => `\\${char}`);

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const escaped = rows.map((cells) => cells.map((text) => text.replaceAll('|', '\\|')));
  return [line(heads), line(heads.map(() => '---')), ...escaped.map(line)];
}
