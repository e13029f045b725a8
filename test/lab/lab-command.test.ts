import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gmemlab, workspace } from '../cli/gmemlab.ts';

const NO_TOOLS = { env: { PATH: '/nowhere', GMEMLAB_KERNELS: '', XDG_CACHE_HOME: '/nowhere' } };
const STEPS = 'gmem create g0 1M\nsnapshot 00\n';

describe('gmemlab lab', () => {
  it('says what is missing and how to get it', async () => {
    const cwd = workspace({ 'a.steps': STEPS });
    const { exitCode, stdout, stderr } = await gmemlab(cwd, ['lab', 'a.steps', '--kernel', '7.3'], NO_TOOLS);
    expect({ exitCode, stdout }).toEqual({ exitCode: 4, stdout: '' });
    expect(stderr).toMatch(/^qemu-system-x86_64 is missing .*apt-get install qemu-system-x86$/m);
    expect(stderr).toMatch(/^kernel 7\.3: .*apt-get download linux-.*dpkg-deb -x/m);
  });

  it('refuses steps that no real kernel runs, with their places', async () => {
    const cwd = workspace({ 'a.steps': 'vm create snp\nvm launch-update 0 4K\nsnapshot 00\n' });
    const { exitCode, stderr } = await gmemlab(cwd, ['lab', 'a.steps'], NO_TOOLS);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^a\.steps:1:1: SNP needs .*\na\.steps:2:1: SNP needs /m);
  });

  it('runs steps that the model does not know', async () => {
    const cwd = workspace({
      'a.steps': 'mount tmpfs /mnt\nexec x /bin/true\nmadvise a 0 1M collapse\nanon map a 2M\n',
    });
    expect((await gmemlab(cwd, ['lab', 'a.steps'], NO_TOOLS)).exitCode).toBe(4);
  });

  it('refuses a machine that it can not boot', async () => {
    const { exitCode, stderr } = await gmemlab(workspace(), ['lab', 'talk-numa-backends'], NO_TOOLS);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/: machine: node 0: a booted kernel has a background of its own$/m);
  });

  it('does not replace what is no capture', async () => {
    const cwd = workspace({
      'a.steps': STEPS,
      'k/boot/vmlinuz-7.3.1': '',
      'k/lib/modules/7.3.1/kernel/a.ko': '',
    });
    const dir = join(cwd, 'captures/7.3.1/a');
    const run = async (): Promise<{ exitCode: number | undefined; stderr: string }> =>
      gmemlab(cwd, ['lab', 'a.steps', '--kernels', 'k', '--kernel', '7.3.1']);
    workspaceFile(dir, 'mine.txt');
    const { exitCode, stderr } = await run();
    // Without QEMU there is nothing to be run that could replace it.
    if (exitCode === 4) expect(stderr).toContain('is missing');
    else
      expect({ exitCode, stderr }).toEqual({
        exitCode: 2,
        stderr: expect.stringContaining('holds something else'),
      });
  });

  it.each([
    [[], /lab needs a scenario, or --random/],
    [['--random', 'x'], /--random is "x", must be a seed/],
    [['--random', '1', '--count', '0'], /--count is "0", must be a whole number/],
    [['a.steps', '--random', '1'], /--random makes its own scenarios/],
    [['a.steps', '--time-limit', 'soon'], /--time-limit is "soon"/],
    [['--random', '1', '--machine', 'talk-4node'], /--random needs a machine with one CPU on each node/],
    [['gone.steps'], /gone\.steps: no such file/],
  ])('lab %s is wrong usage', async (args, words) => {
    const { exitCode, stdout, stderr } = await gmemlab(
      workspace({ 'a.steps': STEPS }),
      ['lab', ...args],
      NO_TOOLS,
    );
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(words);
  });
});

function workspaceFile(dir: string, name: string): void {
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, name), 'mine\n');
}
