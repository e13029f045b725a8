import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gmemlab, TINY, workspace } from './gmemlab.ts';

const LINES = TINY.split('\n').length - 1;
const MET = `${TINY}expect:
  - at: [before, after]
    values:
      object private: [0, 4M]
`;
const UNMET = MET.replace('[0, 4M]', '[1p, 4M]').replace(
  'values:\n',
  'strategies: [page-cache, "tracker{oom=true}"]\n    values:\n      process vmm tracker: 0\n',
);

describe('expectations', () => {
  it('that are met are counted', async () => {
    const cwd = workspace({ 'tiny.yaml': MET });
    const { exitCode, stderr } = await gmemlab(cwd, ['run', 'tiny.yaml', '--no-charts']);
    expect(exitCode).toBe(0);
    expect(stderr).toContain('tiny: 4 expectations met\n');
    const summary = readFileSync(join(cwd, 'reports/tiny/summary.md'), 'utf8');
    expect(summary).toContain('## Expectations\n\n- 4 expectations met.\n');
  });

  it('that are not met are listed at their places, and end with status 1', async () => {
    const cwd = workspace({ 'tiny.yaml': UNMET });
    const { exitCode, stderr } = await gmemlab(cwd, ['run', 'tiny.yaml', '--no-charts']);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(
      [
        'tiny: page-cache: 3 of 4 expectations not met',
        'tiny: tracker{oom=true}: 2 of 4 expectations not met',
        `tiny.yaml:${LINES + 5}:28: process vmm tracker at before: none instead of 0, under page-cache`,
        `tiny.yaml:${LINES + 5}:28: process vmm tracker at after: none instead of 0, under page-cache`,
        `tiny.yaml:${LINES + 5}:28: process vmm tracker at after: 4M instead of 0, under tracker{oom=true}`,
        `tiny.yaml:${LINES + 6}:24: object private at before: 0 instead of 4K, under page-cache, tracker{oom=true}`,
      ].join('\n'),
    );
    const summary = readFileSync(join(cwd, 'reports/tiny/summary.md'), 'utf8');
    expect(summary).toContain('## Expectations\n\n- 5 of 8 expectations not met.\n');
    const html = readFileSync(join(cwd, 'reports/tiny/report.html'), 'utf8');
    expect(html).toContain('page-cache: 3 of 4 expectations not met');
    const result = JSON.parse(readFileSync(join(cwd, 'reports/tiny/result.json'), 'utf8')) as {
      strategies: { expectations: { isMet: boolean }[] }[];
    };
    expect(result.strategies.map(({ expectations }) => expectations.map(({ isMet }) => isMet))).toEqual([
      [false, false, false, true],
      [true, false, false, true],
    ]);
  });

  it('are in the comparison as JSON, with both values', async () => {
    const cwd = workspace({ 'tiny.yaml': UNMET });
    const { exitCode, stdout } = await gmemlab(cwd, ['compare', 'tiny.yaml', '--format', 'json']);
    expect(exitCode).toBe(1);
    const { expectations } = JSON.parse(stdout) as { expectations: { isMet: boolean }[] };
    expect(expectations).toHaveLength(8);
    expect(expectations.filter(({ isMet }) => !isMet)[0]).toEqual({
      strategy: 'page-cache',
      line: LINES + 5,
      column: 28,
      at: 'before',
      since: null,
      reading: 'process vmm tracker',
      unit: 'bytes',
      expected: 0,
      tolerance: 0,
      actual: null,
      isMet: false,
    });
  });

  it('are only for the strategies that run, and for the kernel that the scenario states', async () => {
    const cwd = workspace({ 'tiny.yaml': UNMET });
    const one = await gmemlab(cwd, ['compare', 'tiny.yaml', '--strategy', 'fbind']);
    expect(one).toMatchObject({ exitCode: 0, stderr: '' });
    const other = await gmemlab(cwd, ['compare', 'tiny.yaml', '--kernel', '6.12']);
    expect(other).toMatchObject({
      exitCode: 0,
      stderr: 'tiny: its 4 expectations are for Linux 7.3 and seed 1: they are not checked\n',
    });
  });

  it('about strategies that do not run are refused', async () => {
    const cwd = workspace({
      'tiny.yaml': UNMET.replace(
        'strategies: [page-cache, "tracker{oom=true}"]\n    values',
        'strategies: [fbind, trackr, "page-cache{}", task-policy+page-cache]\n    values',
      ),
    });
    const { exitCode, stderr } = await gmemlab(cwd, ['validate', 'tiny.yaml']);
    expect(exitCode).toBe(2);
    const words = (column: number, at: number): string =>
      `tiny.yaml:${LINES + 3}:${column}: expect[0].strategies[${at}]: `;
    expect(stderr).toContain(
      `${words(18, 0)}"fbind" is none of the strategies that the scenario runs (page-cache, tracker{oom=true}): it would never be checked\n`,
    );
    expect(stderr).toContain(`${words(25, 1)}strategy "trackr": no strategy or part is called "trackr"`);
    expect(stderr).toContain(words(33, 2));
    expect(stderr).toContain(
      `${words(49, 3)}write "page-cache" for "task-policy+page-cache": results call it so\n`,
    );
  });
});
