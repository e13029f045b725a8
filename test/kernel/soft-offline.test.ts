import { describe, expect, it } from 'vitest';
import type { Inode } from '../../src/kernel/inode.ts';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { softOffline } from '../../src/kernel/soft-offline.ts';
import { Lab, MiB, pages } from '../simulation/lab.ts';

const COUNT = 77;

/** A file of 77 pages on node 1. */
function fileOf(
  lab: Lab,
  kind: 'memfd' | 'gmem',
): { kernel: Kernel; inode: Inode; soft: (pfn: number) => string } {
  const { world } = lab;
  lab.do('mempolicy', { mode: 'bind', flags: [], nodes: [1] });
  if (kind === 'gmem') {
    lab.do('vm create', { type: 'swprot' });
    lab.do('gmem create', { name: 'f', bytes: pages(COUNT), flags: 0 });
  } else
    lab.do('memfd create', { name: 'f', bytes: pages(COUNT), hugetlb: false, cloexec: false, file: 'f' });
  lab.do('fallocate', { kind, name: 'f', offset: 0, bytes: pages(COUNT) });
  const inode = [...world.kernel.inodes].find((one) => one.sizePages === COUNT)!;
  const soft = (pfn: number): string => String(softOffline(world.kernel, world.workers.get('w0')!.task, pfn));
  return { kernel: world.kernel, inode, soft };
}

describe('soft offlining a frame', () => {
  it('takes a free one out of the buddy allocator at once, and does so once', () => {
    const { kernel, soft } = fileOf(new Lab(), 'memfd');
    const zone = kernel.nodes[2]!.zones[0]!;
    const free = zone.freePages;
    const pfn = zone.startPfn + 12_345;
    expect([soft(pfn), soft(pfn)]).toEqual(['0', '0']);
    expect(zone.freePages).toBe(free - 1);
    expect([kernel.poisoned.size, kernel.poisoned.has(pfn), zone.freeIn(pfn, 1)]).toEqual([1, true, 0]);
  });

  it('knows frames that do not exist, and leaves kernel memory alone', () => {
    const { kernel, soft } = fileOf(new Lab(), 'memfd');
    expect(soft(2 ** 40)).toBe('ENXIO');
    let table = -1;
    for (const zone of kernel.zones) {
      kernel.frames.forEach(zone.startPfn, zone.spannedPages, (pfn, _n, id) => {
        if (kernel.classes.get(id).kind === 'kernel') table = pfn;
      });
    }
    if (table >= 0) expect(soft(table)).toBe('EIO');
    expect(kernel.poisoned.size).toBe(0);
  });

  it('moves a page of tmpfs to another frame, every one of which goes out of use', () => {
    const { kernel, inode, soft } = fileOf(new Lab(), 'memfd');
    const before = Array.from({ length: COUNT }, (_, index) => inode.cache.get(index));
    for (const pfn of before) expect(soft(pfn)).toBe('0');
    const after = Array.from({ length: COUNT }, (_, index) => inode.cache.get(index));
    expect(after.filter((pfn) => before.includes(pfn))).toEqual([]);
    expect(after.map((pfn) => kernel.nidOf(pfn))).toEqual(before.map(() => 1));
    expect(kernel.poisoned.size).toBe(COUNT);
    expect(before.every((pfn) => kernel.frames.classOf(pfn) === 0)).toBe(true);
    expect(kernel.nodes[1]!.counter('nr_shmem')).toBe(COUNT);
  });

  it('drops a clean page of a gmem from the file, whatever KVM has mapped', () => {
    const { kernel, inode, soft } = fileOf(new Lab(), 'gmem');
    const left: number[][] = [];
    kernel.gmemLeftFrames = ({ index, pfn: frame, count }) => void left.push([index, frame, count]);
    const pfn = inode.cache.get(41);
    const outcomes: number[] = [];
    kernel.gmemMigrated = ({ failed }) => void outcomes.push(failed);
    expect(soft(pfn)).toBe('0');
    expect([inode.cache.has(41), inode.cache.size, left]).toEqual([false, COUNT - 1, [[41, pfn, 1]]]);
    expect(kernel.poisoned.has(pfn)).toBe(true);
    expect(outcomes).toEqual([]);
  });

  it('finds the page of a frame in an interleaved file', () => {
    const lab = new Lab();
    lab.do('vm create', { type: 'swprot' });
    lab.do('gmem create', { name: 'f', bytes: pages(301), flags: 0 });
    lab.do('mempolicy', { mode: 'interleave', flags: [], nodes: [0, 2, 3] });
    lab.do('fallocate', { kind: 'gmem', name: 'f', offset: 0, bytes: pages(301) });
    const { kernel, workers } = lab.world;
    const inode = [...kernel.inodes].find(({ kind }) => kind === 'gmem')!;
    for (const index of [300, 0, 7, 152]) {
      expect(softOffline(kernel, workers.get('w0')!.task, inode.cache.get(index))).toBe(0);
      expect(inode.cache.has(index)).toBe(false);
    }
    expect(inode.cache.size).toBe(297);
  });

  it('is busy where a dirty page of a gmem may not move, and moves it where it may', () => {
    for (const strategy of ['page-cache', 'task-policy+page-cache+gmem-callback']) {
      const lab = new Lab({ strategy });
      const { kernel, inode, soft } = fileOf(lab, 'gmem');
      kernel.frames.reclass(inode.cache.get(5), 1, (id) => {
        const { kind, inode: file, memcg, allocator } = kernel.classes.get(id);
        return kernel.classes.of(kind, file, memcg, allocator, true).id;
      });
      const pfn = inode.cache.get(5);
      const mayMove = strategy !== 'page-cache';
      expect(soft(pfn)).toBe(mayMove ? '0' : 'EBUSY');
      expect([inode.cache.get(5) === pfn, kernel.poisoned.size]).toEqual([!mayMove, mayMove ? 1 : 0]);
      expect(inode.cache.size).toBe(COUNT);
    }
  });

  it('splits a huge folio, of which the other pages stay', () => {
    const lab = new Lab();
    const { kernel, workers } = lab.world;
    kernel.thp.shmem = 'always';
    lab.do('memfd create', { name: 'm', bytes: 4 * MiB, hugetlb: false, cloexec: false, file: 'm' });
    lab.do('fallocate', { kind: 'memfd', name: 'm', offset: 0, bytes: 4 * MiB });
    const inode = [...kernel.inodes].find(({ sizePages }) => sizePages === 1024)!;
    const before = kernel.hugeFolios.size;
    expect(before).toBe(2);
    const pfn = inode.cache.get(700);
    expect(softOffline(kernel, workers.get('w0')!.task, pfn)).toBe(0);
    expect([inode.cache.size, kernel.hugeFolios.size]).toEqual([1024, 1]);
    expect(inode.cache.get(700)).not.toBe(pfn);
    expect(inode.cache.get(701)).toBe(pfn + 1);
  });
});
