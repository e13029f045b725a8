import { describe, expect, it } from 'vitest';
import type { CaptureResult } from '../../src/conformance/conform-capture.ts';
import { conformReport } from '../../src/conformance/conform-report.ts';
import { conformanceHtml } from '../../src/report/conformance-html.ts';
import { labelledReadings } from '../../src/report/labelled-readings.ts';
import type { FieldCount } from '../../src/result/verification.ts';

const count = (exact: number, noise: number, off: number): FieldCount => ({
  compared: exact + noise + off,
  moved: exact,
  exact,
  noise,
  off,
});

function captureResult(change: Partial<CaptureResult> = {}): CaptureResult {
  return {
    scenario: 'S1-one',
    release: '6.12.1',
    profile: '6.12',
    verdict: 'within noise',
    reason: null,
    strategy: 'page-cache',
    vmTypes: ['default'],
    classes: [
      { fieldClass: 'status', count: count(8, 0, 0) },
      { fieldClass: 'meminfo', count: count(5, 2, 0) },
    ],
    fields: [
      { fieldClass: 'status', fields: new Map([['VmRSS', count(8, 0, 0)]]) },
      { fieldClass: 'meminfo', fields: new Map([['Slab', count(5, 2, 0)]]) },
    ],
    excuses: [{ id: 'slab-caches', fields: 2 }],
    steps: { recorded: 4, matching: 4 },
    offences: [],
    ...change,
  };
}

const OFF = captureResult({
  scenario: 'S2-<off>',
  release: '7.3.1',
  profile: '7.3',
  verdict: 'off',
  strategy: 'upstream',
  classes: [{ fieldClass: 'status', count: count(7, 0, 1) }],
  fields: [{ fieldClass: 'status', fields: new Map([['VmRSS', count(7, 0, 1)]]) }],
  steps: { recorded: 4, matching: 2 },
  offences: [
    {
      fieldClass: 'status',
      step: 3,
      snapshot: 'a',
      where: 'proc.w0/status',
      field: 'VmRSS',
      kernel: 'VmRSS: <1> kB',
      model: 'VmRSS: 2 kB',
    },
  ],
});
const UNKNOWN = captureResult({
  scenario: 'S3-old',
  release: '5.4.1',
  profile: null,
  verdict: 'not judged',
  reason: 'no kernel profile for 5.4.1',
  strategy: null,
  classes: [],
  fields: [],
  steps: { recorded: 0, matching: 0 },
});

function page(...results: CaptureResult[]): string {
  const report = conformReport(results);
  return conformanceHtml(report, labelledReadings(report.verification))
    .replaceAll(/\s+/g, ' ')
    .replaceAll(' >', '>');
}

describe('the page', () => {
  const text = page(captureResult(), OFF, UNKNOWN);

  it('says in words and signs how each capture did', () => {
    expect(text).toMatch(
      /title="S1-one, status: 8 compared, 8 exact"> <span class="sign">✓<\/span> 8 <\/td>/,
    );
    expect(text).toMatch(/<span class="sign">≈<\/span> 7<small>≈ 2<\/small>/);
    expect(text).toMatch(/<td class="off"[^>]*> <span class="sign">✗<\/span> 8<small>✗ 1<\/small>/);
    expect(text).toContain('<td>2 of 4</td>');
    expect(text).toContain('not judged: no kernel profile for 5.4.1');
    expect(text).toContain('23 fields of 3 captures were compared: 20 are equal, 2 differ');
  });

  it('says what is verified, on which kernel', () => {
    expect(text).toContain('Linux 6.12 (6.12.1): the strategy page-cache, with VMs of type default.');
    expect(text).toMatch(/VmRSS \(top RES\) ?<\/th> ?<td>verified<\/td> ?<td>derived<\/td>/);
    expect(text).toContain('✓ 8 compared, 8 moved');
    expect(text).toContain('✗ 8 compared, 7 moved, 1 off');
    expect(text).toMatch(/OOM badness ?<\/th> ?<td>derived<\/td>/);
    expect(text).not.toContain('tracker (fdinfo)');
  });

  it('shows differences, noise with its bound and reason, and what is out of scope', () => {
    expect(text).toContain('@@ step 3, snapshot a: proc.w0/status: VmRSS');
    expect(text).toContain('Slab pages');
    expect(text).toContain('128 pages (512 kB) for the whole system');
    expect(text).toContain('VmallocUsed, Percpu, DirectMap*');
  });

  it('escapes what captures say', () => {
    expect(text).not.toContain('<off>');
    expect(text).not.toContain('<1>');
    expect(text).toContain('S2-&#60;off&#62;');
  });

  it('says that nothing is off when nothing is', () => {
    expect(page(captureResult())).toMatch(/Differences<\/h2> <p>None\.<\/p>/);
  });
});
