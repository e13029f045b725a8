import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gmemlab, MAIN, TINY, workspace } from './gmemlab.ts';

const VERBS = 'run, compare, conform, lab, list, validate, doctor, completion';
const RUN_OPTIONS =
  '--strategy, --strategy-file, --machine, --kernel, --seed, --out, --charts, --png, --format';

describe('help', () => {
  it('lists every verb with an example of it', async () => {
    const { exitCode, stdout, stderr } = await gmemlab(workspace(), ['--help']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const [, examples = ''] = stdout.split('Examples:');
    for (const verb of VERBS.split(', ')) {
      expect(stdout).toMatch(new RegExp(`^  gmemlab ${verb}\\b.* [A-Z]`, 'm'));
      expect(examples).toMatch(new RegExp(`^  gmemlab ${verb}\\b`, 'm'));
    }
  });

  it('is there for npx, after a build', async () => {
    const root = fileURLToPath(new URL('../..', import.meta.url));
    const { exitCode, stdout } = await execa('npx', ['--no-install', 'gmemlab', '--help'], { cwd: root });
    expect({ exitCode, words: stdout.split('\n', 1) }).toEqual({ exitCode: 0, words: ['gmemlab VERB ...'] });
  });

  it('of a verb has its options and its example', async () => {
    const { exitCode, stdout } = await gmemlab(workspace(), ['compare', '--help']);
    expect(exitCode).toBe(0);
    for (const words of [
      '--baseline',
      '--reference',
      '(table, json, csv, md)',
      'gmemlab compare talk-snp-40g',
    ]) {
      expect(stdout).toContain(words);
    }
  });

  it('loads nothing that only verbs need', async () => {
    const hooks = fileURLToPath(new URL('log-imports.mjs', import.meta.url));
    const modules = async (args: string[]): Promise<string> =>
      String(
        (await execa(process.execPath, ['--import', hooks, MAIN, ...args], { cwd: workspace() })).stderr,
      );
    const help = await modules(['--help']);
    expect(help).toContain('/yargs/');
    expect(help).not.toMatch(/\/(?:vega|vega-lite|resvg-js|ajv|yaml|csv-stringify)\//);
    expect(help).not.toMatch(/\/dist\/src\/(?:kernel|simulation|report|charts|scenario)\//);
    expect(await modules(['--version'])).not.toContain('/node_modules/');
    // The hook does see what is loaded late.
    expect(await modules(['list'])).toContain('/yaml/');
  });
});

describe('the version', () => {
  it("is the package's", async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    for (const args of [['--version'], ['run', '--version']]) {
      expect(await gmemlab(workspace(), args)).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
    }
  });
});

describe('wrong usage', () => {
  it.each([
    ['', `no verb given (${VERBS})`, ''],
    ['rnu', `no verb "rnu"; did you mean "run"? (${VERBS})`, ''],
    ['frobnicate x', `no verb "frobnicate" (${VERBS})`, ''],
    ['run', 'run needs a scenario', 'run '],
    ['validate', 'validate needs a file', 'validate '],
    [
      'run tiny.yaml --strateg fbind',
      `run has no option --strateg; did you mean "--strategy"? (options: ${RUN_OPTIONS})`,
      'run ',
    ],
    ['run tiny.yaml -x', `run has no option -x (options: ${RUN_OPTIONS})`, 'run '],
    ['doctor --fix', 'doctor has no option --fix (it has none)', 'doctor '],
    ['run tiny.yaml --strategy', '--strategy needs a value', 'run '],
    ['run tiny.yaml --out', '--out needs a value', 'run '],
    ['run tiny.yaml --seed 1 --seed 2', '--seed is given 2 times', 'run '],
    ['run tiny.yaml --charts=maybe', '--charts is "maybe" (true, false)', 'run '],
    [
      'run tiny.yaml --format tabel --kernel 9',
      '--kernel is "9" (6.12, 6.18, 7.3)\n--format is "tabel"; did you mean "table"? (table, json, csv, md)',
      'run ',
    ],
    [
      'list scenrios',
      'list knows no "scenrios"; did you mean "scenarios"? (scenarios, strategies, parts, machines, captures)',
      'list ',
    ],
    ['list parts machines', 'list takes no further argument: machines', 'list '],
    ['compare tiny.yaml --update-baseline', '--update-baseline needs --baseline FILE', 'compare '],
  ])('gmemlab %s', async (line, words, verb) => {
    const cwd = workspace({ 'tiny.yaml': TINY });
    expect(
      await gmemlab(
        cwd,
        line.split(' ').filter((word) => word !== ''),
      ),
    ).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `${words}\nSee: gmemlab ${verb}--help\n`,
    });
  });
});

describe('a closed pipe', () => {
  it('is no error', async () => {
    const line = `set -o pipefail; '${process.execPath}' '${MAIN}' list | head -n 1`;
    const { exitCode, stdout, stderr } = await execa('bash', ['-c', line], {
      cwd: workspace(),
      reject: false,
    });
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 0, stdout: 'scenarios', stderr: '' });
  });
});

describe('completion', () => {
  it('prints a script', async () => {
    const { exitCode, stdout } = await gmemlab(workspace(), ['completion'], { env: { SHELL: '/bin/bash' } });
    expect(exitCode).toBe(0);
    expect(stdout).toContain('complete -o bashdefault -o default -F _gmemlab_yargs_completions gmemlab');
  });

  it.each([
    [
      ['gmemlab', 'co'],
      ['compare', 'conform', 'completion'],
    ],
    [['gmemlab', 'run', 'talk-snp-4'], ['talk-snp-40g']],
    [['gmemlab', 'run', 'x', '--strategy', 'alloc'], ['alloc-charge']],
    [['gmemlab', 'compare', 'x', '--upd'], ['--update-baseline']],
    [
      ['gmemlab', 'conform', '--format', ''],
      ['table', 'json', 'md', 'junit'],
    ],
    [['gmemlab', 'list', 'sc'], ['scenarios']],
  ])('of %j offers %j', async (words, offered) => {
    const { exitCode, stdout, stderr } = await gmemlab(workspace(), ['--get-yargs-completions', ...words], {
      env: { SHELL: '/bin/bash' },
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    // The shell itself drops what does not begin as typed.
    const names = stdout.split('\n').filter((name) => name !== '' && name.startsWith(words.at(-1)!));
    expect(names.sort()).toEqual([...offered].sort());
  });
});
