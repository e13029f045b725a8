import { describe, expect, it } from 'vitest';
import type { Memcg, MemcgItem } from '../../src/kernel/memcg.ts';
import { Lab, MiB } from '../simulation/lab.ts';

const group = (lab: Lab, path: string): Memcg => lab.world.kernel.memcgs.get(path)!;
const stat = (lab: Lab, path: string, item: MemcgItem): number[] => group(lab, path).total(item);
const stacks = (lab: Lab): number[] => lab.world.kernel.nodes.map((node) => node.counter('nr_kernel_stack'));

/** w0 in /a, forks by a policy that sends it to node 2. */
function forked(): Lab {
  const lab = new Lab();
  lab.do('cgroup create', { path: '/a' });
  lab.do('cgroup create', { path: '/b' });
  lab.do('cgroup move', { worker: 'w0', path: '/a' });
  lab.do('mempolicy', { mode: 'bind', flags: [], nodes: [2] });
  lab.do('fork', { worker: 'w1' });
  return lab;
}

describe("a thread's kernel stack", () => {
  it('is placed by the forking thread and charged to its group, whatever the child does then', () => {
    const lab = forked();
    lab.do('cgroup move', { worker: 'w1', path: '/b' });
    expect(stat(lab, '/a', 'kernel_stack')).toEqual([0, 0, 16384, 0]);
    expect(stat(lab, '/b', 'kernel_stack')).toEqual([0, 0, 0, 0]);
    expect(stacks(lab)).toEqual([16, 0, 16, 0]);
  });

  it('goes when the child ends; the first worker, which the root group paid for, has one too', () => {
    const lab = forked();
    lab.do('exit', {}, 'w1');
    expect(stat(lab, '/a', 'kernel_stack')).toEqual([0, 0, 0, 0]);
    expect(stacks(lab)).toEqual([16, 0, 0, 0]);
    lab.do('exit', {});
    expect(stacks(lab)).toEqual([0, 0, 0, 0]);
  });

  it('is made for the thread of a vCPU and for the one that a running VM has', () => {
    const lab = new Lab();
    lab.do('vm create', { type: 'swprot' });
    lab.do('vm vcpu', { index: 0, cpu: 1, mode: 'default', flags: [], nodes: [] });
    expect(stacks(lab)).toEqual([32, 0, 0, 0]);
    lab.do('vm touch', { gpa: 0, bytes: MiB, code: null, step: 4096, vcpu: 0, random: null });
    // By the vCPU's thread, on CPU 1.
    expect(stacks(lab)).toEqual([32, 16, 0, 0]);
    lab.do('vm close', {});
    expect(stacks(lab)).toEqual([16, 0, 0, 0]);
    lab.do('exit', {});
    expect(stacks(lab)).toEqual([0, 0, 0, 0]);
  });
});

describe('kernel memory of a group below the root that is removed', () => {
  it('is still in what the root group reports, until it is freed', () => {
    const lab = forked();
    lab.do('memfd create', { name: 'm', bytes: 4 * MiB, hugetlb: false, cloexec: false, file: 'm' }, 'w1');
    lab.do('fallocate', { kind: 'memfd', name: 'm', offset: 0, bytes: 4 * MiB }, 'w1');
    lab.do('cgroup move', { worker: 'w0', path: '/' });
    lab.do('cgroup move', { worker: 'w1', path: '/' });
    const items = ['kernel_stack', 'pagetables', 'slab_reclaimable'] as const;
    const before = items.map((item) => stat(lab, '/', item));
    expect(before.every((nodes) => nodes[2]! > 0)).toBe(true);
    expect(lab.do('cgroup rm', { path: '/a' })).toBe('0');
    expect(items.map((item) => stat(lab, '/', item))).toEqual(before);
    lab.do('exit', {}, 'w1');
    expect(items.map((item) => stat(lab, '/', item))).toEqual(items.map(() => [0, 0, 0, 0]));
  });
});
