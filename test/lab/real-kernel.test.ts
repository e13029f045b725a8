import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { readCapture } from '../../src/conformance/read-capture.ts';
import { labKernels, missingForLab } from '../../src/lab/requirements.ts';
import { gmemlab, MAIN, workspace } from '../cli/gmemlab.ts';

const kernels = labKernels(undefined);
const missing = missingForLab(kernels, undefined);
if (missing.length > 0) {
  process.stderr.write(
    `test/lab/real-kernel: skipped, a real kernel can not be booted here: ${missing.join('; ')}\n`,
  );
}

/** A boot under emulation, with some room for a busy machine. */
const LONG = 400_000;
/** One step of every kind that asks something of the agent. */
const SCRIPT = `
spawn w1
cgroup create /a
write /sys/fs/cgroup/a/cgroup.subtree_control +memory +cpuset
cgroup create /a/b
cgroup move w0 /a/b
vm cap
gmem create g0 1M
gmem fallocate g0 0 1M
gmem fallocate g0 100 1M
gmem stat g0
memfd create m0 4M
memfd map m0
memfd write m0 0
memfd read m0 0
mempolicy bind 2
touch m0 0 2M write
mbind m0 0 4M interleave 1,3
touch m0 2M 2M write random=100 seed=3
where m0 0 4M
move_pages m0 0 8p 3
snapshot 00-touched
anon map a0 4M
touch a0 0 1M write
mlock a0 0 1M
vm slot 0 0 4M m0 0
vm touch 1M 64K m0
vm ttouch 2M 64K m0 1 bind 0
vm vcpu 1 3 local
vm touch 3M 64K m0 vcpu=1
fork w2
w2: vm cap
w2: memfd create c0 2p
w2: memfd map c0
w2: vm ttouch 0 1p c0 3 local
w2: where c0 1p 1p
w2: anon unmap a0
w2: touch a0 0 1p write
migratepages w0 0-3 1
repeat 2
  w1: noop
end
w1: memfd create m1 8K
w1: memfd map m1
w1: memfd ftruncate m1 0
w1: touch m1 0 1p write
wait w1
kill w2 9
spawn w3
kill w3
wait w3
dmesg log
snapshot 01-moved
cgroup move w0 /
cgroup rm /a/b
cgroup rm /a
exit
`;

describe.skipIf(missing.length > 0)('the lab on a real kernel', () => {
  it('runs a script and stores a capture that conform reads', { timeout: LONG }, async () => {
    const cwd = workspace({ 'all.steps': SCRIPT });
    const { exitCode, stdout, stderr } = await gmemlab(cwd, ['lab', 'all.steps', '--keep']);
    expect(exitCode, stderr).toBe(0);
    const dir = join(cwd, stdout.trim());
    const step = SCRIPT.trim().split('\n').indexOf('snapshot 00-touched') + 1;
    expect(stderr).toContain(`snapshot 00-touched (step ${step} of `);
    const capture = readCapture(dir);
    const results = new Map(capture.steps.map(({ step, ...result }) => [step, result]));
    const failed = capture.steps
      .filter(({ errno }) => errno !== '')
      .map(({ step, errno }) => `${step}: ${errno}`);
    expect(failed).toEqual([
      'gmem fallocate g0 100 1M: EINVAL',
      'w2: vm ttouch 0 1p c0 3 local: EIO',
      'w2: touch a0 0 1p write: EINVAL',
      'w1: touch m1 0 1p write: ECONNRESET',
    ]);
    expect(results.get('where m0 0 4M')!.msg).toMatch(/^n=1024 N0=1 N1=\d+ N2=511 N3=\d+ ENOENT=412$/);
    expect(results.get('w2: vm cap')!.msg).toContain('MEMORY_ATTRIBUTES=0xffffffff');
    // The thread that failed had written the code of its guest.
    expect(results.get('w2: where c0 1p 1p')!.msg).toBe('n=1 N3=1');
    expect(results.get('move_pages m0 0 8p 3')!.msg).toBe('n=8 N3=8');
    expect(results.get('vm touch 3M 64K m0 vcpu=1')!.msg).toBe('hlt');
    expect(results.get('w1: touch m1 0 1p write')!.msg).toBe('worker died: signal 7 (BUS)');
    expect(results.get('wait w1')!.msg).toBe('already reaped');
    expect(results.get('wait w3')!.msg).toBe('signaled 9');
    const [first, second] = capture.snapshots;
    expect(first!.files.get('cgroup/a/b/cgroup.procs')).toMatch(/^\d+\n$/);
    expect(first!.files.get('numastat/p.w0')).toContain('Private');
    expect(first!.files.has('proc.w1/smaps')).toBe(true);
    expect(second!.files.has('proc.w1/smaps')).toBe(false);
    expect(readFileSync(join(dir, 'exec/log'), 'utf8')).toContain('Linux version');
    expect(existsSync(join(dir, 'console.txt'))).toBe(true);
    const judged = await gmemlab(cwd, ['conform', dir]);
    expect([0, 1], judged.stderr).toContain(judged.exitCode);
    expect(judged.stdout).toMatch(
      new RegExp(`^all on ${kernels[0]!.release.replaceAll(/[.+]/g, '\\$&')}`, 'm'),
    );
  });

  it('leaves nothing behind when it is interrupted', { timeout: LONG }, async () => {
    const cwd = workspace({ 'all.steps': SCRIPT });
    const tmp = join(cwd, 'tmp');
    mkdirSync(tmp);
    const env = { TMPDIR: tmp };
    const run = execa(process.execPath, [MAIN, 'lab', 'all.steps'], { cwd, env, reject: false });
    while (qemusOf(tmp).length === 0) await new Promise((resolve) => setTimeout(resolve, 100));
    run.kill('SIGTERM');
    expect((await run).exitCode).toBe(143);
    await expect.poll(() => qemusOf(tmp), { timeout: 5000 }).toEqual([]);
    expect(readdirSync(tmp)).toEqual([]);
  });
});

/** Processes of QEMU that have files in a directory. */
function qemusOf(dir: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return words[0]!.includes('qemu') && words.some((word) => word.includes(dir));
      } catch {
        return false; // It ended while we looked.
      }
    });
}
