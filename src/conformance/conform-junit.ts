import type { CaptureReport, ConformReport } from './conform-report.ts';
import { DEFAULT_OFFENCES } from './conform-table.ts';
import { offenceDiff } from './offence-diff.ts';

/** A conformance report as JUnit XML: a suite per capture, a case per field class; a capture without verdict is skipped. */
export function conformJunit(report: ConformReport, offences: number = DEFAULT_OFFENCES): string {
  const suites = report.captures.map((capture) => suite(capture, offences));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="conformance">\n${suites.join('')}</testsuites>\n`;
}

function suite(capture: CaptureReport, offences: number): string {
  const { scenario, release, reason, classes } = capture;
  const name = `${scenario} on ${release}`;
  const failures = classes.filter(({ count }) => count.off > 0).length;
  const cases =
    reason === null
      ? classes.map(({ fieldClass }) => testCase(capture, fieldClass, offences))
      : [
          `    <testcase${attributes({ classname: name, name: 'verdict' })}><skipped${attributes({ message: reason })}/></testcase>\n`,
        ];
  const counts = { name, tests: cases.length, failures, skipped: reason === null ? 0 : 1 };
  return `  <testsuite${attributes(counts)}>\n${cases.join('')}  </testsuite>\n`;
}

function testCase(capture: CaptureReport, fieldClass: string, offences: number): string {
  const own = capture.offences.filter((offence) => offence.fieldClass === fieldClass);
  const open = `    <testcase${attributes({ classname: `${capture.scenario} on ${capture.release}`, name: fieldClass })}`;
  if (own.length === 0) return `${open}/>\n`;
  const diff = offenceDiff({ ...capture, offences: own }, offences).join('\n');
  const message = `${own.length} field${own.length === 1 ? '' : 's'} off`;
  return `${open}><failure${attributes({ message })}>${escapeXml(diff)}</failure></testcase>\n`;
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeXml(String(value))}"`)
    .join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Characters that XML 1.0 cannot hold in any form. */
const NO_XML = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu;

/** Escapes text for XML; characters that XML cannot hold become U+FFFD. */
export function escapeXml(text: string): string {
  return text.replaceAll(NO_XML, '\uFFFD').replaceAll(/[&<>"']/g, (char) => ENTITIES[char]!);
}
