import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import type { RunResult } from '../../src/result/types.ts';
import { gmemlab, MAIN, ownPart, TINY, workspace } from './gmemlab.ts';

const FAST = ['--no-charts'];
const filesBelow = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(dir, path)).isFile())
    .sort();
const resultIn = (dir: string): RunResult =>
  JSON.parse(readFileSync(join(dir, 'result.json'), 'utf8')) as RunResult;

describe('gmemlab run', () => {
  it('writes the whole tree, and the comparison on the standard output', async () => {
    const cwd = workspace({ 'tiny.yaml': TINY });
    const { exitCode, stdout, stderr } = await gmemlab(cwd, ['run', 'tiny.yaml']);
    const files = filesBelow(join(cwd, 'reports/tiny'));
    expect(stderr).toBe(`tiny: wrote ${files.length} files to reports/tiny\n`);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('A guest of 4 MiB (Linux 7.3)');
    expect(files.filter((path) => !path.includes('=true}/') && !path.startsWith('page-cache/'))).toEqual([
      'attribution.csv',
      ...['attribution', 'error-heatmap', 'timeline'].flatMap((name) =>
        ['png', 'svg', 'vl.json'].map((extension) => `charts/${name}.${extension}`),
      ),
      'consequences.json',
      'payers.csv',
      'report.html',
      'result.json',
      'summary.md',
      'timeline.csv',
    ]);
    for (const strategy of ['page-cache', 'tracker{oom=true}']) {
      for (const snapshot of ['before', 'after']) {
        for (const path of [
          'workers.json',
          'numastat.txt',
          'top.txt',
          'proc/meminfo',
          'proc/201/numa_maps',
          'proc/201/fdinfo/4',
          'sys/devices/system/node/node1/numastat',
          'sys/fs/cgroup/memory.stat',
        ]) {
          expect(files).toContain(`${strategy}/${snapshot}/${path}`);
        }
      }
    }
    const page = readFileSync(join(cwd, 'reports/tiny/report.html'), 'utf8');
    expect(page.length).toBeLessThan(1_000_000);
    expect(page).toContain('status of vmm at “after”');
    expect(page).toMatch(/largest mapping in smaps of vmm at “after”, under page-cache, tracker\{oom=true\}/);
  });

  it('gives the same bytes every time and everywhere', async () => {
    const [one, two] = [workspace({ 'tiny.yaml': TINY }), workspace({ 'deep/er/tiny.yaml': TINY })];
    await gmemlab(one, ['run', 'tiny.yaml', '--out', 'r']);
    await gmemlab(join(two, 'deep'), ['run', 'er/tiny.yaml', '--out', '../r']);
    const files = filesBelow(join(one, 'r'));
    expect(filesBelow(join(two, 'r'))).toEqual(files);
    for (const path of files) {
      expect(readFileSync(join(two, 'r', path)).equals(readFileSync(join(one, 'r', path))), path).toBe(true);
    }
  });

  it('takes scenarios of the package by name, and several at once', async () => {
    const cwd = workspace({ 'tiny.yaml': TINY });
    const args = ['run', 'talk-snp-10g', 'tiny.yaml', '--strategy', 'fbind', '--out', 'both', ...FAST];
    const { exitCode } = await gmemlab(cwd, args);
    expect(exitCode).toBe(0);
    expect(readdirSync(join(cwd, 'both')).sort()).toEqual(['talk-snp-10g', 'tiny']);
    expect(resultIn(join(cwd, 'both/tiny')).strategies.map(({ name }) => name)).toEqual(['fbind']);
  });

  it('gives several at once the bytes that each has alone, and prints them in the order asked for', async () => {
    const large = TINY.replaceAll('4M', '8M').replace('A guest of', 'Another of');
    const part = ownPart("return { statusLines: () => [{ name: 'Mine', kb: 42 }] };");
    const cwd = workspace({ 'tiny.yaml': TINY, 'large.yaml': large, 'mine.mjs': part });
    const options = ['--strategy-file', 'mine.mjs', '--png'];
    const both = await gmemlab(cwd, ['run', 'tiny.yaml', 'large.yaml', '--out', 'both', ...options]);
    const alone = [];
    for (const id of ['tiny', 'large']) {
      alone.push(await gmemlab(cwd, ['run', `${id}.yaml`, '--out', `alone/${id}`, ...options]));
    }
    expect(both.exitCode).toBe(0);
    expect(both.stdout).toBe(alone.map(({ stdout }) => stdout).join('\n'));
    expect(both.stderr).toBe(alone.map(({ stderr }) => stderr.replace(/alone/g, 'both')).join(''));
    const files = filesBelow(join(cwd, 'alone'));
    expect(files).toContain('tiny/charts/timeline.png');
    expect(filesBelow(join(cwd, 'both'))).toEqual(files);
    for (const path of files) {
      const [one, other] = ['both', 'alone'].map((dir) => readFileSync(join(cwd, dir, path)));
      expect(one!.equals(other!), path).toBe(true);
    }
  });

  it('draws PNGs of many scenarios only when asked to', async () => {
    const cwd = workspace({ 'tiny.yaml': TINY, 'other.yaml': TINY });
    await gmemlab(cwd, ['run', 'tiny.yaml', 'other.yaml']);
    expect(readdirSync(join(cwd, 'reports/tiny/charts')).filter((name) => !name.endsWith('.json'))).toEqual([
      'attribution.svg',
      'error-heatmap.svg',
      'timeline.svg',
    ]);
  });

  it('runs strategies once, whatever they are written like, with the kernel and seed asked for', async () => {
    const cwd = workspace({ 'tiny.yaml': TINY });
    const expressions = ['nop', 'task-policy+page-cache', 'page-cache', 'tracker{status=true}+fbind'];
    const args = ['run', 'tiny.yaml', ...expressions.flatMap((one) => ['--strategy', one])];
    await gmemlab(cwd, [...args, '--kernel', '6.12', '--seed', '7', ...FAST]);
    const { strategies, scenario } = resultIn(join(cwd, 'reports/tiny'));
    expect(strategies.map(({ name }) => name)).toEqual([
      'task-policy+nop+unmovable',
      'page-cache',
      'fbind+tracker{status=true}+unmovable',
    ]);
    expect(scenario).toMatchObject({ kernel: '6.12', seed: 7 });
  });

  it('runs all named strategies when the scenario names none', async () => {
    const cwd = workspace({ 'tiny.yaml': TINY.replace(/^strategies:.*\n/m, '') });
    await gmemlab(cwd, ['run', 'tiny.yaml', ...FAST]);
    expect(resultIn(join(cwd, 'reports/tiny')).strategies).toHaveLength(8);
  });

  it('runs a bare script on a machine', async () => {
    const script = TINY.split('steps: |\n')[1]!.replaceAll(/^ {2}/gm, '');
    const cwd = workspace({ 'tiny.steps': script });
    const { exitCode } = await gmemlab(cwd, ['run', 'tiny.steps', '--machine', 'rig-4node', ...FAST]);
    expect(exitCode).toBe(0);
    expect(resultIn(join(cwd, 'reports/tiny')).machine.nodes).toHaveLength(4);
    expect(await gmemlab(cwd, ['run', 'tiny.steps', '--machine', 'rig4node'])).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringContaining(
        '--machine: no machine "rig4node": did you mean "rig-4node"?',
      ) as string,
    });
  });

  it('exits 1 when a step comes out otherwise than stated', async () => {
    const cwd = workspace({ 'tiny.yaml': TINY.replace('vm touch 0 4M', 'vm touch 0 4M = -ENOMEM') });
    const { exitCode, stderr } = await gmemlab(cwd, ['run', 'tiny.yaml', ...FAST]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('tiny: page-cache: 1 finding (step-result)');
  });
});

describe('a part of the user', () => {
  it('runs beside the strategies, or where one names it', async () => {
    const cwd = workspace({
      'tiny.yaml': TINY,
      'mine.mjs': ownPart("return { statusLines: () => [{ name: 'Mine', kb: 42 }] };"),
    });
    const args = ['run', 'tiny.yaml', '--strategy-file', 'mine.mjs', ...FAST];
    expect((await gmemlab(cwd, args)).exitCode).toBe(0);
    const report = join(cwd, 'reports/tiny');
    expect(resultIn(report).strategies.map(({ name }) => name)).toEqual([
      'page-cache',
      'tracker{oom=true}',
      'task-policy+mine+unmovable',
    ]);
    const status = readFileSync(join(report, 'task-policy+mine+unmovable/after/proc/201/status'), 'utf8');
    expect(status).toMatch(/^Mine:\s+42 kB$/m);
    await gmemlab(cwd, [...args, '--strategy', 'fbind+mine']);
    expect(resultIn(report).strategies.map(({ name }) => name)).toEqual(['fbind+mine+unmovable']);
  });

  it.each([
    ['in a hook', "return { folioAllocated: () => { throw new Error('boom'); } };", 'step 8: boom'],
    ['in create', "throw new Error('boom');", 'step 0: boom'],
    [
      'by a hook that is none',
      'return { folioAlocated() {} };',
      'step 0: create() returned "folioAlocated", which is no hook; did you mean "folioAllocated"?',
    ],
  ])('that throws %s is an error row; the others still run', async (_, create, words) => {
    const cwd = workspace({ 'tiny.yaml': TINY, 'mine.mjs': ownPart(create) });
    const ended = await gmemlab(cwd, ['run', 'tiny.yaml', '--strategy-file', 'mine.mjs', ...FAST]);
    expect(ended.exitCode).toBe(1);
    expect(ended.stderr).toContain(`tiny: task-policy+mine+unmovable stopped at ${words}`);
    expect(ended.stdout).toContain('stopped');
    const { strategies } = resultIn(join(cwd, 'reports/tiny'));
    expect(strategies.map(({ error, snapshots }) => [error?.part, snapshots.length])).toMatchObject([
      [undefined, 2],
      [undefined, 2],
      ['mine', words.startsWith('step 8') ? 1 : 0],
    ]);
  });

  it.each([
    ['none.mjs', 'none.mjs: no such file'],
    ['typo.mjs', "typo.mjs: can't be loaded: SyntaxError: Unexpected identifier 'is'"],
    ['late.mjs', "late.mjs: can't be loaded: Error: too late"],
    [
      'text.txt',
      'text.txt: is no JavaScript module; name a .js or .mjs file (of TypeScript, what the compiler makes of it)',
    ],
    ['empty.mjs', 'empty.mjs: default export: must be a part { meta, create }, is undefined'],
    ['taken.mjs', 'taken.mjs: meta.id: there is a strategy or part "tracker" already'],
    [
      'wrong.mjs',
      'wrong.mjs: meta.axis: must be one of placement, accounting, migration, is "sideways"\nwrong.mjs: meta.title: must be a text, is ""',
    ],
  ])('%s is refused, naming file and field', async (file, words) => {
    const cwd = workspace({
      'tiny.yaml': TINY,
      'typo.mjs': 'this is no JavaScript',
      'late.mjs': "throw new Error('too late');",
      'text.txt': 'hello',
      'empty.mjs': '',
      'taken.mjs': ownPart('return {};', 'tracker'),
      'wrong.mjs': ownPart('return {};').replace("'accounting'", "'sideways'").replace("'My own'", "''"),
    });
    expect(await gmemlab(cwd, ['run', 'tiny.yaml', '--strategy-file', file])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `${words}\n`,
    });
    expect(existsSync(join(cwd, 'reports'))).toBe(false);
  });
});

describe('bad input', () => {
  it('comes with every problem of every file at its place, and nothing is written', async () => {
    const cwd = workspace({
      'bad.yaml': TINY.replace('title: A guest', 'titel: A guest')
        .replace('bind 1', 'bind 9')
        .replace('touch 0 4M', 'touch 0 4X'),
      'worse.yaml': TINY.replace('vm create', 'vm craete').replace('[page-cache, ', '[page-cash, '),
      'named.yaml': TINY.replace('[page-cache, ', '[page-cash, '),
      'no.yaml': 'title: [',
    });
    const { exitCode, stdout, stderr } = await gmemlab(cwd, [
      'run',
      'bad.yaml',
      'worse.yaml',
      'named.yaml',
      'no.yaml',
      'gone.yaml',
      'talk-snp-41g',
      '--seed',
      'x',
      '--strategy-file',
      'gone.mjs',
    ]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    for (const words of [
      '--seed is "x", must be a whole number',
      'gone.mjs: no such file',
      'bad.yaml:1:1: unknown key "titel": did you mean "title"?',
      'bad.yaml:11:23: 9 is not a node of this machine (0-1)\n    11 |   vmm: mempolicy bind 9\n',
      'bad.yaml:17:19: "4X" is no size',
      'worse.yaml:12:11: unknown verb "vm craete": did you mean "create"?',
      'worse.yaml:8:14: strategies[0]: strategy "page-cash": no strategy',
      'named.yaml:8:14: strategies[0]: strategy "page-cash": no strategy or part is called "page-cash"; did you mean "page-cache"?',
      'no.yaml:1:9: not valid YAML',
      'gone.yaml: no such file',
      'talk-snp-41g: no such file and no scenario of that name; did you mean "talk-snp-40g"? (',
    ]) {
      expect(stderr).toContain(words);
    }
    expect(readdirSync(cwd).sort()).toEqual(['bad.yaml', 'named.yaml', 'no.yaml', 'worse.yaml']);
  });

  it('may be a strategy', async () => {
    const cwd = workspace({ 'tiny.yaml': TINY });
    const args = ['run', 'tiny.yaml', '--strategy', 'fbind+upstream', '--strategy', 'tracker{oom=1}'];
    expect(await gmemlab(cwd, args)).toEqual({
      exitCode: 2,
      stdout: '',
      stderr:
        'strategy "fbind+upstream": "upstream" is a whole strategy, which + can\'t join; its parts are mmap-mbind+page-cache+unmovable\n' +
        'strategy "tracker{oom=1}": option "oom" of tracker is "1", must be true or false\n',
    });
  });

  it('may be a verb that only real kernels run', async () => {
    const cwd = workspace({ 'tiny.yaml': TINY.replace('snapshot before', 'exec out numastat -m') });
    const { exitCode, stderr } = await gmemlab(cwd, ['run', 'tiny.yaml']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(
      'tiny.yaml:16:3: "exec out numastat -m" can be run on a real kernel only, not on the model\n    16 |',
    );
  });

  it.each(['cgroup limit / cpuset.cpus 0', 'write /proc/sys/vm/zone_reclaim_mode 1'])(
    'may ask for what the model leaves out: %s',
    async (step) => {
      const cwd = workspace({ 'tiny.yaml': TINY.replace('snapshot before', step) });
      const { exitCode, stderr } = await gmemlab(cwd, ['run', 'tiny.yaml']);
      expect([exitCode, stderr.includes(`${step}" can be run on a real kernel only`)]).toEqual([2, true]);
    },
  );

  it('may be two scenarios of one name, or several for one CSV', async () => {
    const cwd = workspace({ 'tiny.yaml': TINY, 'sub/tiny.yaml': TINY });
    expect((await gmemlab(cwd, ['run', 'tiny.yaml', 'sub/tiny.yaml', '--format', 'csv'])).stderr).toBe(
      'tiny.yaml and sub/tiny.yaml are both called "tiny": their reports would meet\n' +
        '--format csv holds one scenario, not 2: name them one by one\n',
    );
  });
});

describe('the directory of a report', () => {
  const refused = async (prepare: (cwd: string) => void, out: string, words: string): Promise<void> => {
    const cwd = workspace({ 'tiny.yaml': TINY });
    prepare(cwd);
    const before = filesBelow(cwd);
    expect(await gmemlab(cwd, ['run', 'tiny.yaml', '--out', out, ...FAST])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `can't write the report to ${out}: ${words}\n`,
    });
    expect(filesBelow(cwd)).toEqual(before);
    expect(readdirSync(cwd).filter((name) => name.startsWith('.'))).toEqual([]);
  };

  it('must be writable before anything runs', async () => {
    await refused(() => undefined, 'tiny.yaml/report', 'a part of the path is no directory (ENOTDIR)');
    await refused(() => undefined, '/proc/gmemlab/report', 'no such file or directory (ENOENT)');
    await refused(() => undefined, 'tiny.yaml', 'there is a file of that name');
  });

  it('is never one with other things in it', async () => {
    const other = 'the directory holds something else than an older report; name a new or an empty one';
    await refused((cwd) => mkdirSync(join(cwd, 'work/sub'), { recursive: true }), 'work', other);
    await refused((cwd) => writeFileSync(join(cwd, 'result.json'), '{"tool":{"name":"other"}}'), '.', other);
    await refused((cwd) => writeFileSync(join(cwd, 'result.json'), 'hello'), '.', other);
  });

  it('replaces an older report whole, but not what a user put beside it', async () => {
    const cwd = workspace({ 'tiny.yaml': TINY });
    const args = ['run', 'tiny.yaml', '--out', 'deep/r', ...FAST];
    expect((await gmemlab(cwd, args)).exitCode).toBe(0);
    expect((await gmemlab(cwd, [...args, '--strategy', 'fbind'])).exitCode).toBe(0);
    const report = join(cwd, 'deep/r');
    const names =
      'attribution.csv consequences.json fbind payers.csv report.html result.json summary.md timeline.csv'.split(
        ' ',
      );
    expect(readdirSync(report).sort()).toEqual(names);
    writeFileSync(join(report, 'notes.txt'), 'mine');
    expect(await gmemlab(cwd, args)).toMatchObject({
      exitCode: 2,
      stderr: "can't write the report to deep/r: the directory holds more than an older report: notes.txt\n",
    });
    expect(readdirSync(report).sort()).toEqual([...names, 'notes.txt'].sort());
    expect(readdirSync(join(cwd, 'deep'))).toEqual(['r']);
  });

  it('may be an empty one, or a link to one', async () => {
    const cwd = workspace({ 'tiny.yaml': TINY });
    mkdirSync(join(cwd, 'real'));
    symlinkSync('real', join(cwd, 'link'));
    expect((await gmemlab(cwd, ['run', 'tiny.yaml', '--out', 'link', ...FAST])).exitCode).toBe(0);
    expect(existsSync(join(cwd, 'real/result.json'))).toBe(true);
  });
});

describe('an interrupt', () => {
  it.each([
    ['one scenario', ['tiny.yaml']],
    ['several', ['tiny.yaml', 'other.yaml']],
  ])('ends a run of %s with 130 and leaves nothing behind', async (_, scenarios) => {
    const cwd = workspace({ 'tiny.yaml': TINY, 'other.yaml': TINY });
    const running = execa(process.execPath, [MAIN, 'run', ...scenarios, '--out', 'a/b/report'], {
      cwd,
      reject: false,
    });
    const parent = join(cwd, 'a/b');
    for (let tries = 0; tries < 500 && !(existsSync(parent) && readdirSync(parent).length > 0); tries++) {
      await pause(5);
    }
    running.kill('SIGINT');
    const { exitCode, stdout } = await running;
    expect({ exitCode, stdout }).toEqual({ exitCode: 130, stdout: '' });
    expect(readdirSync(cwd)).toEqual(['other.yaml', 'tiny.yaml']);
  });
});
