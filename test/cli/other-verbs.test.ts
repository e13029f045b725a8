import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CATALOGUE } from '../../strategies/index.ts';
import { AXES, type PartMeta } from '../../src/strategy/contract.ts';
import { gmemlab, ownPart, TINY, workspace } from './gmemlab.ts';

const DATASETS = fileURLToPath(new URL('../../datasets/', import.meta.url));
const CAPTURE = join(DATASETS, 'captures/6.12.107-debian/S01-gmem-interleave');
const MACHINE = 'title: One node\nnodes:\n  - { cpus: "0", memory: 1G }\n';

describe('gmemlab list', () => {
  it('lists everything that there is', async () => {
    const { exitCode, stdout, stderr } = await gmemlab(workspace(), ['list']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    for (const name of readdirSync(join(DATASETS, 'scenarios'))) {
      expect(stdout).toMatch(new RegExp(`^  ${name.replace('.yaml', '')} +\\S`, 'm'));
    }
    expect(stdout).toMatch(/^ {2}alloc-charge +.*task-policy\+tdp-fault\{at=allocation\}\+unmovable$/m);
    expect(stdout).toMatch(/^ {2}tracker +Tracker without VMAs +accounting .*oom=false\|true/m);
    expect(stdout).toMatch(
      /^ {2}6\.12\.107-debian\/S01-gmem-interleave +what Linux 6\.12\.107\+deb12-amd64 reported$/m,
    );
  });

  it('lists one kind, as data if asked', async () => {
    const { stdout } = await gmemlab(workspace(), ['list', 'machines', '--format', 'json']);
    const found = JSON.parse(stdout) as Record<string, { name: string }[]>;
    expect(Object.keys(found)).toEqual(['machines']);
    expect(found['machines']!.map(({ name }) => name)).toContain('talk-4node');
  });
});

describe('gmemlab list --verbose', () => {
  it('says of every strategy what its parts gain and cost, and what may be set', async () => {
    const { stdout } = await gmemlab(workspace(), ['list', 'strategies', '--verbose']);
    expect(stdout).toMatch(/^ {4}ptes +allocation\|tdp\|never +default allocation +when /m);
    expect(stdout).toMatch(/^tdp-fault \(accounting, proposed\)\n {2}RES .*\n {2}source: /m);
  });

  it('has all options of all parts as data', async () => {
    const { stdout } = await gmemlab(workspace(), ['list', 'parts', '--verbose', '--format', 'json']);
    const { parts } = JSON.parse(stdout) as { parts: { name: string; parts: PartMeta[] }[] };
    expect(parts.map(({ name, parts: of }) => [name, of[0]?.options])).toEqual(
      AXES.flatMap((axis) => CATALOGUE.parts.filter(({ meta }) => meta.axis === axis)).map(({ meta }) => [
        meta.id,
        meta.options,
      ]),
    );
  });
});

describe('gmemlab validate', () => {
  it('says what sound files are', async () => {
    const files = { 'tiny.yaml': TINY, 'm.yaml': MACHINE, 'mine.mjs': ownPart('return {};') };
    expect(await gmemlab(workspace(files), ['validate', ...Object.keys(files)])).toEqual({
      exitCode: 0,
      stdout:
        'tiny.yaml: scenario "A guest of 4 MiB"\nm.yaml: machine "One node"\nmine.mjs: accounting part "mine"\n',
      stderr: '',
    });
  });

  it('finds nothing wrong with the datasets', async () => {
    const files = ['scenarios', 'machines'].flatMap((kind) =>
      readdirSync(join(DATASETS, kind)).map((name) => join(DATASETS, kind, name)),
    );
    const { exitCode, stderr } = await gmemlab(workspace(), ['validate', ...files]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });

  it('reports all problems of all files', async () => {
    const cwd = workspace({
      'tiny.yaml': TINY.replace('bind 1', 'bind 9').replace('[page-cache', '[nothing'),
      'named.yaml': TINY.replace('[page-cache', '[nothing'),
      'm.yaml': MACHINE.replace('1G', '1X').replace('cpus', 'cpu'),
      'mine.mjs': ownPart('return {};', 'Not An Id'),
    });
    const { exitCode, stdout, stderr } = await gmemlab(cwd, [
      'validate',
      'tiny.yaml',
      'named.yaml',
      'm.yaml',
      'mine.mjs',
      'gone',
    ]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    for (const words of [
      'tiny.yaml:11:23: ',
      'tiny.yaml:8:14: strategies[0]: strategy "nothing"',
      'named.yaml:8:14: strategies[0]: strategy "nothing": no strategy or part is called "nothing"',
      'm.yaml:3:',
      'mine.mjs: meta.id: must be lower-case words joined by "-", is "Not An Id"',
      'gone: no such file or directory (ENOENT)',
    ]) {
      expect(stderr).toContain(words);
    }
    expect(stderr.match(/^m\.yaml:/gm)!.length).toBeGreaterThanOrEqual(2);
  });
});

describe('gmemlab doctor', () => {
  it('says what is there and how to get what is missing', async () => {
    const { exitCode, stdout } = await gmemlab(workspace(), ['doctor'], { env: { PATH: '/nowhere' } });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^ {2}ok +Node\.js +\d+\.\d+\.\d+$/m);
    expect(stdout).toMatch(/^ {2}not there +qemu-system-x86_64 .*apt-get install qemu-system-x86$/m);
    expect(stdout).toMatch(/^ {2}ok +drawing of PNGs \(resvg\) +works/m);
    expect(stdout).toMatch(/^ {2}ok +fonts of the charts +3 weights$/m);
    expect(stdout).toMatch(/^ {2}not there +numastat .*apt-get install numactl$/m);
  });
});

describe('gmemlab conform', () => {
  it('passes when the model agrees with a capture', async () => {
    const { exitCode, stdout, stderr } = await gmemlab(workspace(), ['conform', CAPTURE]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^S01-gmem-interleave on 6\.12\.107\+deb12-amd64: (?:exact|within noise) /);
  });

  const changed = (change: (dir: string) => void): { cwd: string; dir: string } => {
    const cwd = workspace();
    const dir = join(cwd, 'capture');
    cpSync(CAPTURE, dir, { recursive: true });
    change(dir);
    return { cwd, dir };
  };
  const edit = (file: string, from: string | RegExp, to: string): void => {
    const text = readFileSync(file, 'utf8');
    expect(text).toMatch(from);
    writeFileSync(file, text.replace(from, to));
  };

  it('exits 1 and shows the field when the kernel said otherwise', async () => {
    const { cwd } = changed((dir) =>
      edit(
        join(dir, '01-fallocated.snap'),
        'Node 2 FilePages:        131072',
        'Node 2 FilePages:        141072',
      ),
    );
    const { exitCode, stdout } = await gmemlab(cwd, ['conform', 'capture']);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^@@ step \d+, snapshot 01-fallocated: node2\/meminfo: FilePages$/m);
  });

  it('exits 4 when a capture can not be judged, and says why', async () => {
    const { cwd } = changed((dir) => edit(join(dir, 'meta.txt'), '6.12.107', '5.10.0'));
    const { exitCode, stdout } = await gmemlab(cwd, ['conform', 'capture', '--format', 'json']);
    expect(exitCode).toBe(4);
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'not judged' });
    expect(stdout).toContain('no kernel profile for 5.10.0');
  });

  it('refuses what holds no capture', async () => {
    const { cwd } = changed((dir) => writeFileSync(join(dir, 'steps.jsonl'), 'hello\n'));
    const empty = workspace();
    const { exitCode, stdout, stderr } = await gmemlab(cwd, ['conform', 'capture', empty, 'gone']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^capture\/steps\.jsonl: /m);
    expect(stderr).toContain(`${empty}: holds no capture (a directory with steps.jsonl)\n`);
    expect(stderr).toContain('gone: no such directory\n');
  });

  it('writes a report, and replaces only an older one', async () => {
    const cwd = workspace({ 'mine/notes.txt': 'mine' });
    const { exitCode, stderr } = await gmemlab(cwd, ['conform', CAPTURE, '--out', 'a/report']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: 'wrote 3 files to a/report\n' });
    const names = ['conformance.json', 'report.html', 'report.md'];
    expect(readdirSync(join(cwd, 'a/report')).sort()).toEqual(names);
    const report = readFileSync(join(cwd, 'a/report/conformance.json'), 'utf8');
    expect((await gmemlab(cwd, ['conform', CAPTURE, '--format', 'json', '--out', 'a/report'])).stdout).toBe(
      report,
    );
    const refused = await gmemlab(cwd, ['conform', CAPTURE, '--out', 'mine']);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain("can't write the report to mine: ");
    expect(readdirSync(join(cwd, 'mine'))).toEqual(['notes.txt']);
  });

  it('compares a script up to a step that the model can not run', async () => {
    const { cwd } = changed((dir) => {
      edit(join(dir, 'script.steps'), /\n$/, '\nexec out.txt /bin/stress\n');
      const recorded = readFileSync(join(dir, 'steps.jsonl'), 'utf8').trimEnd().split('\n').length + 1;
      edit(
        join(dir, 'steps.jsonl'),
        /$/,
        `{"n":${recorded},"who":"ctl","step":"exec out.txt /bin/stress","ret":0,"errno":"","msg":""}\n`,
      );
    });
    const { exitCode, stdout } = await gmemlab(cwd, ['conform', 'capture']);
    expect(exitCode).toBe(4);
    expect(stdout).toMatch(
      /not judged \(compared up to line \d+: the model cannot run "exec out.txt \/bin\/stress"; 31 of 32 steps match\)/,
    );
  });

  it('prints other formats', async () => {
    expect((await gmemlab(workspace(), ['conform', CAPTURE, '--format', 'junit'])).stdout).toContain(
      '<testsuite',
    );
    expect((await gmemlab(workspace(), ['conform', CAPTURE, '--format', 'md'])).stdout).toMatch(/^\| :?--/m);
  });
});
