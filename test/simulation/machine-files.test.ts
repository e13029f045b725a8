import { describe, expect, it } from 'vitest';
import { isModelledFile } from '../../src/simulation/steps/machine-steps.ts';
import { isLookingProgram } from '../../src/simulation/steps/looking-programs.ts';
import { fourNodes, GiB } from './lab.ts';
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

  it('leave to a real kernel what would change something', () => {
    expect(isModelledFile('/proc/sys/kernel/numa_balancing', '1')).toBe(false);
    expect(isModelledFile('/proc/sys/vm/overcommit_memory', '2')).toBe(false);
    expect(isModelledFile('/proc/sys/vm/swappiness', '10')).toBe(false);
  });
});

describe('programs that a capture may have started', () => {
  it('only look, or are not among those that the model passes over', () => {
    expect(isLookingProgram(['/bin/busybox', 'free'])).toBe(true);
    expect(isLookingProgram(['/usr/bin/numastat', '-p', '@w0'])).toBe(true);
    expect(isLookingProgram(['/usr/bin/numactl', '--hardware'])).toBe(true);
    expect(isLookingProgram(['/usr/bin/numactl', '--interleave=0', 'true'])).toBe(false);
    expect(isLookingProgram(['/sbin/swapoff', '/dev/vda'])).toBe(false);
  });
});
