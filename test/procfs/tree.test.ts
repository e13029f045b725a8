import { describe, expect, it } from 'vitest';
import { sampleProcess, sampleSnapshot } from './sample-facts.ts';
import { renderTree } from '../../src/procfs/tree.ts';

describe('the tree of a snapshot', () => {
  const files = renderTree(
    sampleSnapshot({ processes: [sampleProcess({ extraFiles: { gmem_maps: 'design text\n' } })] }),
  );

  it('has a file for everything tools read', () => {
    const process = [
      'cmdline',
      'fdinfo/9',
      'gmem_maps',
      'maps',
      'numa_maps',
      'oom_score',
      'smaps',
      'smaps_rollup',
      'stat',
      'statm',
      'status',
    ];
    const node = ['cpulist', 'distance', 'meminfo', 'numastat', 'vmstat'];
    const cgroup = [
      'cgroup.procs',
      'memory.current',
      'memory.events',
      'memory.max',
      'memory.numa_stat',
      'memory.peak',
      'memory.swap.current',
      'memory.stat',
    ];
    const expected = [
      ...process.map((name) => `proc/4242/${name}`),
      ...['buddyinfo', 'meminfo', 'vmstat', 'zoneinfo'].map((name) => `proc/${name}`),
      ...[0, 1].flatMap((nid) => node.map((name) => `sys/devices/system/node/node${nid}/${name}`)),
      ...['has_memory', 'online', 'possible'].map((name) => `sys/devices/system/node/${name}`),
      ...cgroup.map((name) => `sys/fs/cgroup/a/b/${name}`),
      ...['cgroup.procs', 'memory.numa_stat', 'memory.stat'].map((name) => `sys/fs/cgroup/${name}`),
      'numastat.txt',
      'top.txt',
      'workers.json',
    ];
    expect([...files.keys()].sort()).toEqual(expected.sort());
  });

  it.each([
    ['proc/4242/cmdline', 'qemu-system-x86_64\0-m\x0040G\0'],
    ['proc/4242/oom_score', '666\n'],
    ['proc/4242/gmem_maps', 'design text\n'],
    ['proc/4242/fdinfo/9', 'pos:\t0\nflags:\t02\nmnt_id:\t17\nino:\t2061\ngmem_kb:\t64\n'],
    ['sys/devices/system/node/has_memory', '0-1\n'],
    ['sys/devices/system/node/node1/distance', '20 10\n'],
    ['sys/fs/cgroup/a/b/memory.max', '1048576\n'],
    ['workers.json', '{\n  "vmm": 4242\n}\n'],
  ])('prints %s', (path, text) => {
    expect(files.get(path)).toBe(text);
  });

  it('shows the same pages to every reader of a process', () => {
    const numastat = files.get('numastat.txt')!;
    expect(numastat).toContain('for PID 4242 (qemu-system-x86)');
    expect(numastat).toMatch(/\nHeap +0.03 +0.00 +0.03\n/);
    expect(numastat).toMatch(/\nPrivate +0.07 +0.07 +0.15\n/);
    expect(files.get('proc/4242/numa_maps')).toContain('dirty=38 active=0 N0=19 N1=19 kernelpagesize_kB=4');
    expect(files.get('sys/fs/cgroup/a/b/memory.numa_stat')).toContain('\nfile N0=65536 N1=65536\n');
  });

  it('is the same text each time', () => {
    expect([...renderTree(sampleSnapshot())]).toEqual([...renderTree(sampleSnapshot())]);
  });
});
