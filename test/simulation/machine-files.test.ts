import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../src/simulation/outcome.ts';
import { isModelledFile, MACHINE_STEPS } from '../../src/simulation/steps/machine-steps.ts';
import { isLookingProgram } from '../../src/simulation/steps/looking-programs.ts';
import { fourNodes, GiB, Lab } from './lab.ts';
import { play } from './play.ts';

const answers = (lines: readonly (readonly [string, string])[]): void => {
  const played = play('page-cache', lines.map(([line]) => line).join('\n'), { machine: fourNodes(GiB) });
  expect(played.run.steps.map(({ text, ret, errno }) => [text, ret < 0 ? errno : '0'])).toEqual(lines);
};

describe('files of the machine', () => {
  it('switch memory blocks: state refuses what is so already, online does not', () => {
    const file = '/sys/devices/system/memory/memory20';
    answers([
      [`write ${file}/state offline`, '0'],
      [`write ${file}/state offline`, 'EINVAL'],
      [`write ${file}/state online`, '0'],
      [`write ${file}/state online`, 'EINVAL'],
      [`write ${file}/state bogus`, 'EINVAL'],
      [`write ${file}/online 0`, '0'],
      [`write ${file}/online 0`, '0'],
      [`write ${file}/online 1`, '0'],
      ['write /sys/devices/system/memory/memory9999/state offline', 'ENOENT'],
    ]);
  });

  it('take settings that change nothing here, and refuse what the kernel refuses', () => {
    answers([
      ['write /proc/sys/vm/stat_refresh 1', '0'],
      ['write /proc/sys/vm/compaction_proactiveness 0', '0'],
      ['write /proc/sys/vm/compaction_proactiveness 101', 'EINVAL'],
      ['write /proc/sys/kernel/numa_balancing 0', '0'],
    ]);
  });

  it('limit what programs may promise themselves, as they did on real kernels', () => {
    answers([
      ['write /proc/sys/vm/overcommit_memory 2', '0'],
      ['write /proc/sys/vm/overcommit_memory 3', 'EINVAL'],
      ['anon map o1 512M', '0'],
      ['anon map o2 4G', 'ENOMEM'],
      ['anon map o2b 4G noreserve', 'ENOMEM'],
      ['write /proc/sys/vm/overcommit_memory 1', '0'],
      ['anon map o3 16G', '0'],
      ['write /proc/sys/vm/overcommit_memory 0', '0'],
      ['anon map o4 16G', 'ENOMEM'],
      ['anon map o4b 16G noreserve', '0'],
      ['anon map o4c 16G shared', 'ENOMEM'],
    ]);
  });

  it('set a limit that mmap, mremap, fork and the pages of a memfd run into', () => {
    answers([
      ['write /proc/sys/vm/overcommit_memory 2', '0'],
      ['write /proc/sys/vm/overcommit_kbytes 102400', '0'],
      ['anon map o1 60M', '0'],
      ['anon map o2 60M', 'ENOMEM'],
      ['anon map o2s 60M shared', 'ENOMEM'],
      ['anon map o4 20M at=0x700000000000', '0'],
      // The mapping that it replaces gives back what it had promised.
      ['anon map o5 36M at=0x700000000000', '0'],
      ['anon map o6 42M at=0x700000000000', 'ENOMEM'],
      ['anon unmap o5', '0'],
      ['mremap o1 100M', 'ENOMEM'],
      ['fork w1', 'ENOMEM'],
      ['memfd create m0 60M', '0'],
      ['memfd fallocate m0 0 20M', '0'],
      ['memfd fallocate m0 20M 30M', 'ENOSPC'],
      ['write /proc/sys/vm/overcommit_ratio 50', '0'],
      ['memfd fallocate m0 20M 30M', '0'],
      ['fork w1', '0'],
    ]);
  });

  it('are what CommitLimit says', () => {
    const script = [
      'snapshot booted',
      'write /proc/sys/vm/overcommit_ratio 80',
      'snapshot ratio',
      'write /proc/sys/vm/overcommit_kbytes 100000',
      'snapshot kbytes',
    ];
    const { run } = play('page-cache', script.join('\n'), { machine: fourNodes(GiB) });
    const limits = run.snapshots.map(({ facts }) => facts.system.meminfoPages['CommitLimit']);
    expect(limits).toEqual([2 ** 19, Math.floor(2 ** 20 * 0.8), 25_000]);
  });

  it('move the watermarks: by what is kept free, and by the size of the zone', () => {
    const { world } = new Lab({
      machine: { ...fourNodes(GiB), thp: { enabled: 'always', shmem: 'never', defrag: 'madvise' } },
    });
    const write = (path: string, value: string): Outcome => MACHINE_STEPS.write(world, { path, value });
    const marks = (): number[] => {
      const { min, low, high, pages } = world.kernel.nodes[1]!.zones[0]!;
      expect(pages).toBe(2 ** 18);
      return [min, low - min, high - low];
    };
    expect(write('/proc/sys/vm/min_free_kbytes', '32768').ret).toBe(0);
    expect(marks()).toEqual([2048, 512, 512]);
    expect(write('/proc/sys/vm/watermark_scale_factor', '100').ret).toBe(0);
    expect(marks()).toEqual([2048, 2621, 2621]);
    expect(write('/proc/sys/vm/watermark_scale_factor', '0').errno).toBe('EINVAL');
    expect(write('/proc/sys/vm/watermark_scale_factor', '3001').errno).toBe('EINVAL');
    // Root's own value is more than the kernel would choose; huge pages ask for more than that.
    write('/sys/kernel/mm/transparent_hugepage/enabled', 'never');
    expect(marks()[0]).toBe(2048);
    write('/sys/kernel/mm/transparent_hugepage/enabled', 'madvise');
    expect(marks()[0]).toBeGreaterThan(7000);
  });

  it('leave to a real kernel what would change something', () => {
    expect(isModelledFile('/proc/sys/kernel/numa_balancing', '1')).toBe(false);
    expect(isModelledFile('/proc/sys/vm/zone_reclaim_mode', '1')).toBe(false);
  });
});

describe('programs that a capture may have started', () => {
  it('only look, or are not among those that the model passes over', () => {
    expect(isLookingProgram(['/bin/busybox', 'free'])).toBe(true);
    expect(isLookingProgram(['/usr/bin/numastat', '-p', '@w0'])).toBe(true);
    expect(isLookingProgram(['/usr/bin/numactl', '--hardware'])).toBe(true);
    expect(isLookingProgram(['/usr/bin/numactl', '--interleave=0', 'true'])).toBe(false);
    expect(isLookingProgram(['/sbin/mkfs', '/dev/vda'])).toBe(false);
  });
});
