import type { LabelledReading } from '../conformance/conform-md.ts';
import type { CaptureReport, ConformReport } from '../conformance/conform-report.ts';
import { captureWords, DEFAULT_OFFENCES } from '../conformance/conform-table.ts';
import { outcomeOf, provenWords, SIGNS } from '../conformance/count-words.ts';
import { FIELD_CLASSES } from '../conformance/field-class.ts';
import { offenceDiff } from '../conformance/offence-diff.ts';
import { isProven } from '../result/trust.ts';
import type { FieldCount, ProfileVerification } from '../result/verification.ts';
import { conformanceMatrix, MATRIX_STYLE } from './conformance-matrix.ts';
import { htmlPage, type Section } from './html-page.ts';
import { htmlTable } from './html-table.ts';
import { html, type Html } from './html-text.ts';

/** A conformance report as one HTML page. */
export function conformanceHtml(report: ConformReport, readings: readonly LabelledReading[]): string {
  const judged = report.captures.filter(({ reason }) => reason === null);
  return htmlPage({
    title: 'Conformance with real kernels – gmemlab',
    generator: 'gmemlab',
    kind: 'gmemlab conformance report',
    heading: 'Does the model say what real kernels said?',
    lead: lead(report, judged),
    points: report.verification.map(profileWords),
    alarms: report.captures.filter(({ verdict }) => verdict === 'off').map(captureWords),
    sections: sections(report, readings),
    css: MATRIX_STYLE,
  });
}

function lead({ totals, captures }: ConformReport, judged: readonly CaptureReport[]): string {
  const sum = (key: keyof FieldCount): number => totals.reduce((total, { count }) => total + count[key], 0);
  return (
    `${sum('compared')} fields of ${captures.length} captures were compared: ${sum('exact')} are equal, ` +
    `${sum('noise')} differ within the bound of a noise class, ${sum('off')} are off. ` +
    `${judged.length} captures could be judged, ${captures.length - judged.length} could not.`
  );
}

function profileWords({ profile, strategies, releases, vmTypes }: ProfileVerification): string {
  if (strategies.length === 0) return `Linux ${profile}: no capture could be judged.`;
  const vms = vmTypes.length === 0 ? 'no VM' : `VMs of type ${vmTypes.join(', ')}`;
  return `Linux ${profile} (${releases.join(', ')}): the strategy ${strategies.join(', ')}, with ${vms}.`;
}

function sections(report: ConformReport, readings: readonly LabelledReading[]): Section[] {
  const { captures, noise, outOfScope, verification } = report;
  const profiles = verification.map(({ profile }) => `Linux ${profile}`);
  return [
    { id: 'matrix', title: 'Scenarios, kernels and field classes', body: conformanceMatrix(captures) },
    { id: 'verifies', title: 'What this verifies', body: verifies(verification, profiles) },
    {
      id: 'labels',
      title: 'Labels that follow for other reports',
      body: html`<p>
          How far each reading can be trusted at best: under the strategy and with the types of VM named
          above. Under a design that the kernel does not have every number is hypothetical, in any other world
          derived.
        </p>
        ${htmlTable({
          title: 'Labels by kernel',
          header: ['Read from', ...profiles],
          rows: readings.map(({ title, labels }) => [title, ...labels]),
        })}`,
    },
    { id: 'counts', title: 'Counts', body: counts(report) },
    { id: 'differences', title: 'Differences', body: differences(captures) },
    {
      id: 'noise',
      title: 'Noise that excused a difference',
      body: htmlTable({
        title: 'Noise classes',
        header: ['Noise', 'Fields', 'Bound', 'Why'],
        rows: noise.map(({ title, fields, bound, reason }) => [title, `${fields}`, bound, reason]),
      }),
    },
    {
      id: 'not-compared',
      title: 'Not compared',
      body: htmlTable({
        title: 'Fields out of scope',
        header: ['In', 'Fields', 'Why'],
        rows: outOfScope.map(({ fieldClass, fields, reason }) => [fieldClass, fields, reason]),
      }),
    },
  ];
}

function counts({ totals, captures }: ConformReport): Html {
  return html`${countTable('All captures', totals)}
  ${captures
    .filter(({ classes }) => classes.length > 0)
    .map(
      (capture) =>
        html`<details>
          <summary>${captureWords(capture)}</summary>
          ${countTable(`Counts of ${capture.scenario} on ${capture.release}`, capture.classes)}
        </details> `,
    )}`;
}

function countTable(title: string, classes: ConformReport['totals']): Html {
  return htmlTable({
    title,
    header: ['Field class', 'Compared', 'Exact', 'Within noise', 'Off'],
    rows: classes.map(({ fieldClass, count: { compared, exact, noise, off } }) => [
      fieldClass,
      ...[compared, exact, noise, off].map(String),
    ]),
  });
}

function verifies(verification: readonly ProfileVerification[], profiles: readonly string[]): Html {
  const classes = FIELD_CLASSES.filter((name) => verification.some(({ fields }) => fields[name]));
  return html`<p>
      A field is verified on a kernel when it was compared there, was never off, and moved at least once, that
      is, was further from zero or from the snapshot before than noise allows: a line that always says 0
      proves nothing. A cell gives the verified fields, of those compared.
    </p>
    ${htmlTable({
      title: 'Verified fields by class and kernel',
      header: ['Field class', ...profiles],
      rows: classes.map((name) => [
        name,
        ...verification.map((profile) => provenWords(profile, name) ?? SIGNS.absent),
      ]),
    })}
    <h3>Field by field</h3>
    <p>How often each field was compared, and how often it moved.</p>
    ${classes.map(
      (name) =>
        html`<details>
          <summary>${name}</summary>
          ${htmlTable({
            title: `Fields of ${name}`,
            header: ['Field', ...profiles],
            rows: fieldRows(verification, name),
          })}
        </details> `,
    )}`;
}

function fieldRows(verification: readonly ProfileVerification[], fieldClass: string): string[][] {
  const names = new Set(verification.flatMap(({ fields }) => Object.keys(fields[fieldClass] ?? {})));
  return [...names]
    .sort()
    .map((name) => [name, ...verification.map(({ fields }) => fieldWords(fields[fieldClass]?.[name]))]);
}

function fieldWords(count: FieldCount | undefined): string {
  if (!count) return SIGNS.absent;
  const { compared, moved, noise, off } = count;
  const beside = [...(noise > 0 ? [`${noise} noise`] : []), ...(off > 0 ? [`${off} off`] : [])];
  const sign = isProven(count) || off > 0 ? `${SIGNS[outcomeOf(count)]} ` : '';
  return `${sign}${[`${compared} compared`, moved > 0 ? `${moved} moved` : 'never moved', ...beside].join(', ')}`;
}

function differences(captures: readonly CaptureReport[]): Html {
  const told = captures.filter(({ verdict }) => verdict === 'off' || verdict === 'not judged');
  if (told.length === 0) return html`<p>None.</p>`;
  return html`${told.map((capture) => {
    const diff = offenceDiff(capture, DEFAULT_OFFENCES);
    return html`<h3>${captureWords(capture)}</h3>
      ${diff.length > 0 ? html`<pre tabindex="0">${diff.join('\n')}</pre>` : null}`;
  })}`;
}
