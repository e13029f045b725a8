import { describe, expect, it } from 'vitest';
import type { MemcgItem } from '../../src/kernel/memcg.ts';
import { Lab, MiB } from '../simulation/lab.ts';

/** A guest with 128 MiB of private memory, whose VMM is in /a on node 0. */
function guest(): Lab {
  const lab = new Lab();
  lab.do('vm create', { type: 'swprot' });
  lab.do('gmem create', { name: 'g', bytes: 128 * MiB, flags: 0 });
  lab.do('memfd create', { name: 'm', bytes: 128 * MiB, hugetlb: false, cloexec: false, file: 'm' });
  lab.do('map', {
    kind: 'memfd',
    name: 'm',
    shared: true,
    readOnly: false,
    at: null,
    offset: null,
    bytes: null,
  });
  lab.do('vm slot', { slot: 0, gpa: 0, bytes: 128 * MiB, object: 'm', offset: 0, gmem: 'g', gmemOffset: 0 });
  lab.do('vm attr', { gpa: 0, bytes: 128 * MiB, to: 'private' });
  for (const path of ['/a', '/b']) lab.do('cgroup create', { path });
  lab.do('cgroup move', { worker: 'w0', path: '/a' });
  return lab;
}

/** A guest writes one page in each of `count` stretches of 2 MiB. */
const touch = (lab: Lab, from: number, count: number, vcpu: number | null = null): string =>
  lab.do('vm touch', {
    gpa: from * 2 * MiB,
    bytes: count * 2 * MiB,
    code: null,
    step: 2 * MiB,
    vcpu,
    random: null,
  });

const stat = (lab: Lab, path: string, item: MemcgItem): number[] =>
  lab.world.kernel.memcgs.get(path)!.total(item);
const tables = (lab: Lab): number[] =>
  lab.world.kernel.nodes.map((node) => node.counter('nr_sec_page_table_pages'));
const moveAway = (lab: Lab): void => {
  lab.do('mempolicy', { mode: 'bind', flags: [], nodes: [2] });
  lab.do('cgroup move', { worker: 'w0', path: '/b' });
};

describe('second-level page tables', () => {
  it('count without their root, which is kernel memory of its group all the same', () => {
    const lab = guest();
    touch(lab, 0, 8);
    // Eight tables of the lowest level and one of each of the two above.
    expect(tables(lab)).toEqual([10, 0, 0, 0]);
    expect(stat(lab, '/a', 'sec_pagetables')).toEqual([10, 0, 0, 0]);
    // The root, the rest of 40 pages, and two pages of the vCPU itself.
    expect(stat(lab, '/a', 'kernel_other')).toEqual([1 + 29 + 2, 0, 0, 0]);
  });

  it('come from pages that the vCPU took before, with the node and the group of then', () => {
    const lab = guest();
    touch(lab, 0, 8);
    moveAway(lab);
    touch(lab, 8, 20);
    expect(stat(lab, '/b', 'file')).toEqual([0, 0, 20, 0]);
    expect(tables(lab)).toEqual([30, 0, 0, 0]);
    expect([stat(lab, '/a', 'sec_pagetables'), stat(lab, '/b', 'sec_pagetables')]).toEqual([
      [30, 0, 0, 0],
      [0, 0, 0, 0],
    ]);
  });

  it.each(['interleave', 'winterleave'] as const)('leave the pages of %s in turns', (mode) => {
    const lab = guest();
    lab.do('mempolicy', { mode, flags: [], nodes: [1, 2, 3] });
    touch(lab, 0, 22);
    expect(tables(lab)).toEqual([0, 8, 8, 8]);
  });

  it('come from the new place once fewer than five are left: the last five are used last', () => {
    const lab = guest();
    touch(lab, 0, 8);
    moveAway(lab);
    // 29 are left; after 25 more the next fault takes 36 new ones, the newest of which are used first.
    touch(lab, 8, 25);
    expect(stat(lab, '/b', 'kernel_other')).toEqual([0, 0, 0, 0]);
    touch(lab, 33, 3);
    expect(tables(lab)).toEqual([35, 0, 3, 0]);
    expect(stat(lab, '/b', 'sec_pagetables')).toEqual([0, 0, 3, 0]);
    expect(stat(lab, '/b', 'kernel_other')).toEqual([0, 0, 33, 0]);
  });

  it('come from the cache of the vCPU that faults', () => {
    const lab = guest();
    lab.do('vm vcpu', { index: 1, cpu: 1, mode: 'default', flags: [], nodes: [] });
    touch(lab, 0, 4);
    touch(lab, 4, 3, 1);
    expect(tables(lab)).toEqual([6, 3, 0, 0]);
  });
});

describe('a VM that goes', () => {
  it('gives back all that was made for it, with its last descriptor', () => {
    const lab = guest();
    const items = ['vmalloc', 'kernel_other', 'sec_pagetables', 'kernel_stack'] as const;
    const held = (): number[] =>
      items.map((item) => stat(lab, '/a', item).reduce((sum, amount) => sum + amount, 0));
    lab.do('fork', { worker: 'w1' });
    touch(lab, 0, 2);
    lab.do('vm close', {});
    lab.do('close', { kind: 'gmem', name: 'g' });
    expect(held()).toEqual([0, 38, 4, 32768]);
    lab.do('exit', {}, 'w1');
    expect(held()).toEqual([0, 0, 0, 0]);
  });

  it('is charged for struct kvm where it was made', () => {
    const lab = new Lab();
    lab.do('cgroup create', { path: '/a' });
    lab.do('cgroup move', { worker: 'w0', path: '/a' });
    lab.do('vm create', { type: 'default' });
    lab.do('cgroup move', { worker: 'w0', path: '/' });
    expect(stat(lab, '/a', 'vmalloc')).toEqual([10, 0, 0, 0]);
    lab.do('vm close', {});
    expect(stat(lab, '/a', 'vmalloc')).toEqual([0, 0, 0, 0]);
  });
});
