import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gmemlab, TINY, workspace } from './gmemlab.ts';

const SCENARIO = ['compare', 'tiny.yaml'];
const baseline = (...rest: string[]): string[] => [...SCENARIO, '--baseline', 'b.txt', ...rest];

describe('gmemlab compare', () => {
  it('prints the table and writes nothing', async () => {
    const cwd = workspace({ 'tiny.yaml': TINY });
    const { exitCode, stdout, stderr } = await gmemlab(cwd, SCENARIO);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^ {2}truth +4\.0 MiB +4\.0 MiB$/m);
    expect(stdout).toMatch(/^ {2}OOM badness +acct/m);
    expect(existsSync(join(cwd, 'reports'))).toBe(false);
  });

  it('prints other formats', async () => {
    const cwd = workspace({ 'tiny.yaml': TINY });
    const json = JSON.parse((await gmemlab(cwd, [...SCENARIO, '--format', 'json'])).stdout) as {
      fields: { field: string; cells: { kb: number }[] }[];
    };
    expect(json.fields.find(({ field }) => field === 'truth')?.cells[0]?.kb).toBeGreaterThanOrEqual(4096);
    expect((await gmemlab(cwd, [...SCENARIO, '--format', 'csv'])).stdout).toMatch(/^strategy,label,scope,/);
    expect((await gmemlab(cwd, [...SCENARIO, '--format', 'md'])).stdout).toMatch(/^\| :?--/m);
  });

  it('prints the scorecard below the comparison when asked', async () => {
    const cwd = workspace({ 'tiny.yaml': TINY });
    const { stdout, exitCode } = await gmemlab(cwd, [...SCENARIO, '--scorecard']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('\n\nScorecard\n\nVisible per process: ');
    expect((await gmemlab(cwd, SCENARIO)).stdout).not.toContain('Scorecard');
  });

  it('shows differences from a reference that runs', async () => {
    const cwd = workspace({ 'tiny.yaml': TINY });
    const { stdout } = await gmemlab(cwd, [...SCENARIO, '--reference', 'task-policy+page-cache', '--exact']);
    expect(stdout).toContain('against page-cache');
    expect(await gmemlab(cwd, [...SCENARIO, '--reference', 'fbind'])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr:
        '--reference: "fbind" is none of the strategies that run in tiny (page-cache, tracker{oom=true})\n',
    });
    expect((await gmemlab(cwd, [...SCENARIO, '--reference', 'fbnd'])).stderr).toMatch(
      /^--reference: strategy "fbnd": no strategy or part is called "fbnd"; did you mean "fbind"\? /,
    );
  });
});

describe('a baseline', () => {
  it('is written when asked for, and passes unchanged', async () => {
    const cwd = workspace({ 'tiny.yaml': TINY });
    const written = await gmemlab(cwd, baseline('--update-baseline'));
    expect(written.exitCode).toBe(0);
    expect(written.stderr).toMatch(/^tiny: wrote \d+ values to b\.txt\n$/);
    const text = readFileSync(join(cwd, 'b.txt'), 'utf8');
    expect(text).toMatch(/^page-cache\tafter\tnode-FilePages\tnode1\t1\t4096\t4096$/m);
    const same = await gmemlab(cwd, baseline());
    expect(same.exitCode).toBe(0);
    expect(same.stderr).toMatch(/^0 changed, 0 missing, 0 added, \d+ as in the baseline\n$/);
  });

  it('makes any change a finding, line by line', async () => {
    const cwd = workspace({ 'tiny.yaml': TINY });
    await gmemlab(cwd, baseline('--update-baseline'));
    const file = join(cwd, 'b.txt');
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(/^(page-cache\tafter\tnode-FilePages\tnode1\t1\t)4096/m, '$14092'),
    );
    const { exitCode, stdout, stderr } = await gmemlab(cwd, baseline());
    expect(exitCode).toBe(1);
    expect(stdout).toContain('A guest of 4 MiB');
    expect(stderr).toMatch(
      /^changed {2}page-cache after node-FilePages node1 N1: reported 4092 kB -> 4096 kB \(\+4 kB\)\n1 changed, 0 missing, 0 added, \d+ as in the baseline\n$/,
    );
  });

  it.each([
    ['gone', undefined, [], 'b.txt: no such baseline; --update-baseline writes it\n'],
    [
      'no baseline',
      'hello\tworld\n',
      [],
      'b.txt:1:1: expected "# gmemlab baseline 1"\nb.txt:1:1: 2 fields, expected 7',
    ],
    [
      'of several scenarios',
      '',
      ['talk-snp-10g'],
      '--baseline holds one scenario, not 2: compare them one by one\n',
    ],
  ])('that is %s is an input error before anything runs', async (_, text, more, words) => {
    const cwd = workspace({ 'tiny.yaml': TINY, ...(text === undefined ? {} : { 'b.txt': text }) });
    const { exitCode, stdout, stderr } = await gmemlab(cwd, baseline(...more));
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(words);
  });

  it('must be writable before anything runs', async () => {
    const cwd = workspace({ 'tiny.yaml': TINY });
    const refused = async (file: string, words: string): Promise<void> =>
      expect(await gmemlab(cwd, [...SCENARIO, '--baseline', file, '--update-baseline'])).toEqual({
        exitCode: 2,
        stdout: '',
        stderr: `can't write ${file}: ${words}\n`,
      });
    await refused('nowhere/b.txt', 'no such file or directory (ENOENT)');
    await refused('.', 'it is no regular file');
  });
});
