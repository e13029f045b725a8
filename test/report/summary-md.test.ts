import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codeMd, escapeMd, tableMd } from '../../src/report/md-text.ts';
import { oddSteps } from '../../src/report/odd-steps.ts';
import { compareStrategies } from '../../src/report/comparison.ts';
import { summaryMd } from '../../src/report/summary-md.ts';
import type { StepResult } from '../../src/result/types.ts';
import { sampleRun } from '../analysis/fixture.ts';
import { fixture } from '../charts/fixture.ts';

const step = (n: number, change: Partial<StepResult> = {}): StepResult => ({
  n,
  line: n + 10,
  who: 'vmm',
  text: 'gmem policy private 0 1G bind 0',
  ret: -1,
  errno: 'ENODEV',
  message: '',
  expected: true,
  ...change,
});

describe('summary.md', () => {
  it('reads as before', async () => {
    const { result, rows } = fixture({ strategies: ['page-cache', 'tdp-fault', 'upstream'], nodes: 2 });
    result.strategies[1]!.error = { step: 9, line: 24, message: 'counter <rss> below 0', part: 'tdp-fault' };
    await expect(summaryMd(result, rows, compareStrategies(result, rows))).toMatchFileSnapshot(
      'goldens/summary.md',
    );
  });

  it('says so when there is nothing to say', () => {
    const { result } = fixture({ strategies: ['upstream'] });
    const [run] = result.strategies;
    Object.assign(run!, { snapshots: [], steps: [], findings: [] });
    result.scenario.sources = [];
    const text = summaryMd(result, [], compareStrategies(result, []));
    expect(text).toContain('No process was seen in any snapshot.');
    expect(text).toContain('## Failed and unexpected steps\n\nNone.');
    expect(text).toContain('## Findings\n\nNone: no law broken, no hazard seen.');
    expect(text).toContain('## Sources of the scenario\n\nNone stated.');
  });

  it('counts the steps that it does not list', () => {
    const { result, rows } = fixture({ strategies: ['upstream'] });
    result.strategies[0]!.steps = Array.from({ length: 33 }, (_, at) => step(at + 1));
    const text = summaryMd(result, rows, compareStrategies(result, rows));
    expect(text).toContain('- Step 30 (line 40)');
    expect(text).not.toContain('Step 31');
    expect(text).toContain('- and 3 more in result.json');
  });
});

describe('odd steps', () => {
  it('are put together where strategies fail alike', () => {
    const runs = [
      sampleRun({ name: 'a', steps: [step(1, { ret: 0, errno: '' }), step(2)] }),
      sampleRun({ name: 'b', steps: [step(1, { ret: 3, errno: '', expected: false }), step(2)] }),
      sampleRun({ name: 'c', steps: [step(2, { errno: 'EFAULT' })] }),
    ];
    expect(oddSteps(runs).map(({ step: { n, errno }, strategies }) => [n, errno, strategies])).toEqual([
      [1, '', ['b']],
      [2, 'ENODEV', ['a', 'b']],
      [2, 'EFAULT', ['c']],
    ]);
  });
});

describe('Markdown texts', () => {
  it('are one line without markup', () => {
    expect(escapeMd('a|b *c* `d` <e>\n [f]')).toBe('a\\|b \\*c\\* \\`d\\` \\<e\\> \\[f\\]');
    fc.assert(
      fc.property(fc.string(), (text) => {
        const line = escapeMd(text);
        expect(line).not.toMatch(/\n|(?<!\\)(?:\\\\)*[`*[\]<>|#~]/);
      }),
    );
  });

  it('are code whatever backticks they hold', () => {
    expect([codeMd('a'), codeMd('a`b'), codeMd('``'), codeMd('`a')]).toEqual([
      '`a`',
      '``a`b``',
      '``` `` ```',
      '`` `a ``',
    ]);
  });

  it('are tables', () => {
    expect(tableMd(['a', 'b'], [['1', '2']])).toBe('| a | b |\n| :-- | --: |\n| 1 | 2 |\n');
  });
});
