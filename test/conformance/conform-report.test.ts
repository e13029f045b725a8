import { describe, expect, it } from 'vitest';
import { conformCapture, notJudged } from '../../src/conformance/conform-capture.ts';
import { conformJson } from '../../src/conformance/conform-json.ts';
import { conformJunit, escapeXml } from '../../src/conformance/conform-junit.ts';
import { conformMd } from '../../src/conformance/conform-md.ts';
import { conformExitCode, conformReport } from '../../src/conformance/conform-report.ts';
import { conformTable } from '../../src/conformance/conform-table.ts';
import { OUT_OF_SCOPE } from '../../src/conformance/out-of-scope.ts';
import { captureOf, modelOf, scenarioOf } from './captures.ts';

const capture = captureOf('6.12', 'S03');
const good = conformCapture(capture, scenarioOf(capture), modelOf(capture));
const bad = conformCapture(capture, scenarioOf(capture), (scenario) => {
  const run = modelOf(capture)(scenario);
  const vma = run.snapshots[0]!.facts.processes[0]!.vmas.find(({ name }) => name.startsWith('/memfd:m1'))!;
  vma.numa.nodes = [0, 16380, 2, 2];
  run.steps[23]!.errno = 'EINVAL';
  run.steps[40]!.errno = 'ENOMEM';
  return run;
});
const skipped = notJudged({ ...capture, release: '6.6.1', profile: null }, 'no kernel profile for 6.6.1');

describe('the report', () => {
  it('is as bad as its worst capture', () => {
    expect(conformReport([good]).verdict).toBe('within noise');
    expect(conformExitCode(conformReport([good]))).toBe(0);
    expect(conformExitCode(conformReport([good, skipped]))).toBe(4);
    expect(conformExitCode(conformReport([good, skipped, bad]))).toBe(1);
    expect(conformExitCode(conformReport([]))).toBe(4);
  });

  it('counts fields per kernel, from which labels are made', () => {
    const verification = conformReport([good, bad, skipped]).verification;
    expect(verification).toMatchObject([
      {
        profile: '6.12',
        releases: ['6.12.107+deb12-amd64'],
        strategies: ['the capture itself'],
        vmTypes: [],
        fields: { numa_maps: { 'N<node>': { off: 3 } }, smaps: { Rss: { off: 0 }, Swap: { moved: 0 } } },
      },
    ]);
    const { fields } = verification[0]!;
    expect(fields['memory.current']).toBeUndefined();
    for (const count of Object.values(fields).flatMap((names) => Object.values(names))) {
      expect(count.exact + count.noise + count.off).toBe(count.compared);
      expect(count.moved).toBeLessThanOrEqual(count.compared);
    }
    expect(fields['smaps']!['Rss']!.moved).toBeGreaterThan(0);
  });

  it('counts no capture as verifying that was not judged', () => {
    expect(conformReport([notJudged(capture, 'why')]).verification).toEqual([
      { profile: '6.12', releases: [], strategies: [], vmTypes: [], fields: {} },
    ]);
  });

  it('sums counts over captures', () => {
    const one = conformReport([good]).totals.find(({ fieldClass }) => fieldClass === 'smaps')!;
    const two = conformReport([good, good]).totals.find(({ fieldClass }) => fieldClass === 'smaps')!;
    expect(two.count.compared).toBe(2 * one.count.compared);
    for (const { count } of conformReport([bad]).totals) {
      expect(count.exact + count.noise + count.off).toBe(count.compared);
    }
  });

  it('lists noise only where it excused something, and everything out of scope', () => {
    const report = conformReport([good]);
    expect(report.noise.map(({ id }) => id)).toContain('rounding');
    expect(report.noise.map(({ id }) => id)).not.toContain('interleave-split');
    expect(report.outOfScope).toHaveLength(OUT_OF_SCOPE.length);
  });
});

describe('the table', () => {
  it('shows the first differences as a diff, tokens of one line together, and says how many are left', () => {
    const text = conformTable(conformReport([bad]), 1);
    expect(text).toContain('S03-backend-binding on 6.12.107+deb12-amd64: off (8 of 46 steps match)');
    expect(text).toContain(
      `@@ step 9, snapshot 00-memfd-bound: proc.w0/numa_maps: 7f42a3200000 N1, 7f42a3200000 N2, 7f42a3200000 N3
-7f42a3200000 bind:1 file=/memfd:m1\\040(deleted) dirty=16384 active=0 N1=16384 kernelpagesize_kB=4
+7f42a3200000 bind:1 file=/memfd:m1\\040(deleted) dirty=16384 active=0 N1=16380 N2=2 N3=2 kernelpagesize_kB=4
`,
    );
    expect(text).toMatch(/… and \d+ more differences/);
    expect(text).toContain('verdict: off');
    for (const { reason } of OUT_OF_SCOPE) expect(text).toContain(reason);
  });

  it('says why a capture is not judged', () => {
    expect(conformTable(conformReport([skipped]))).toContain(
      'on 6.6.1: not judged (no kernel profile for 6.6.1)',
    );
  });
});

it('prints JSON that reads as the report', () => {
  const report = conformReport([good, bad]);
  expect(JSON.parse(conformJson(report))).toEqual(report);
});

it('prints Markdown with a matrix, what it verifies, and diffs', () => {
  const text = conformMd(conformReport([good, bad, skipped]), [{ title: 'VmRSS', labels: ['verified'] }], 1);
  expect(text).toContain('| S03-backend-binding | 6.12.107+deb12-amd64 | 46 of 46 | ✓ 89 | ✓ 60 | ✓ 8 |');
  expect(text).toContain('| 8 of 46 | **✗ 88 (✗ 2)** | **✗ 62 (✗ 3)** | ✓ 8 |');
  expect(text).toContain('| numa_maps | 7 of 8 |');
  expect(text).toContain('| VmRSS | verified |');
  expect(text).toContain('```diff\n@@ step 9');
  expect(text).toContain('not judged (no kernel profile for 6.6.1)');
});

describe('JUnit', () => {
  it('has a suite per capture and a case per field class', () => {
    const xml = conformJunit(conformReport([good, bad, skipped]));
    expect(xml).toContain('<testcase classname="S03-backend-binding on 6.12.107+deb12-amd64" name="smaps"/>');
    expect(xml).toContain(
      '<failure message="2 fields off">@@ step 24: mbind g0 0 64M bind 0: errno\n-EFAULT\n+EINVAL',
    );
    expect(xml).toContain('tests="1" failures="0" skipped="1"');
    expect(xml).toContain('<skipped message="no kernel profile for 6.6.1"/>');
  });

  it('escapes what XML reserves and replaces what it cannot hold', () => {
    expect(escapeXml(`<a b="c" d='e'> & \u0000\uD800😀\n`)).toBe(
      '&lt;a b=&quot;c&quot; d=&apos;e&apos;&gt; &amp; \uFFFD\uFFFD😀\n',
    );
    const hostile = {
      ...bad,
      scenario: 'a"<&>',
      offences: bad.offences.map((one) => ({ ...one, model: ']]> <x>' })),
    };
    const xml = conformJunit(conformReport([hostile]));
    expect(xml).toContain('<testsuite name="a&quot;&lt;&amp;&gt; on');
    expect(xml).not.toContain(']]>');
    expect(xml).not.toContain('<x>');
  });
});
