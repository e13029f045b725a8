import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVENT_ITEMS, MEMCG_ITEMS } from '../../src/kernel/memcg.ts';
import { processFacts } from '../../src/simulation/readers/process-facts.ts';
import { checkLaws } from '../../src/simulation/laws.ts';
import { fourNodes, Lab, MiB, pages, step } from '../simulation/lab.ts';

/** A machine of 256 MiB a node with 64 MiB of swap, its workers in groups of their own: w0 in /a, w1 in /b. */
function swapLab(swapBytes: number = 64 * MiB, isHuge: boolean = false): Lab {
  const thp = isHuge
    ? ({ enabled: 'always', shmem: 'always', defrag: 'madvise' } as const)
    : fourNodes(0).thp;
  const lab = new Lab({ machine: { ...fourNodes(256 * MiB), thp, swap: { bytes: swapBytes, isOn: true } } });
  for (const [worker, path] of [
    ['w0', '/a'],
    ['w1', '/b'],
  ] as const) {
    lab.do('cgroup create', { path });
    if (worker !== 'w0') lab.do('spawn', { worker });
    lab.do('cgroup move', { worker, path });
  }
  return lab;
}

function anon(lab: Lab, count: number, who: string | null = null): void {
  const bytes = pages(count);
  lab.do('anon map', { name: 'n', bytes, shared: false, hugetlb: false, noreserve: false, at: null }, who);
  touch(lab, 'n', 0, count, true, who);
}

function touch(
  lab: Lab,
  name: string,
  at: number,
  count: number,
  write: boolean,
  who: string | null = null,
): string {
  return lab.do('touch', { name, offset: pages(at), bytes: pages(count), write, random: null }, who);
}

function memfd(lab: Lab, count: number, who: string | null = null): void {
  const args = { name: 'm', bytes: pages(count), hugetlb: false, cloexec: false, file: 'm' };
  lab.do('memfd create', args, who);
  const map = {
    kind: 'memfd',
    name: 'm',
    shared: true,
    readOnly: false,
    at: null,
    offset: null,
    bytes: null,
  } as const;
  lab.do('map', map, who);
  touch(lab, 'm', 0, count, true, who);
}

const limit = (lab: Lab, path: string, file: string, value: string | number): string =>
  lab.do('cgroup limit', { path, file, value: String(value) });

const group = (lab: Lab, path: string): { usage: number; swap: number; anon: number; shmem: number } => {
  const memcg = lab.world.kernel.memcgs.get(path)!;
  const sum = (item: 'anon' | 'shmem'): number => memcg.total(item).reduce((total, n) => total + n, 0);
  return { usage: memcg.usage, swap: memcg.swapUsage, anon: sum('anon'), shmem: sum('shmem') };
};

const mmOf = (lab: Lab, worker: string): { anon: number; shmem: number; swap: number } => {
  const { anon: a, shmem, swap } = lab.world.workers.get(worker)!.process.mm!.rss;
  return { anon: a, shmem, swap };
};

describe('swap', () => {
  it('takes anonymous and tmpfs pages on demand, and private memory never', () => {
    const lab = swapLab();
    anon(lab, 2048);
    memfd(lab, 2048, 'w1');
    expect(limit(lab, '/a', 'memory.reclaim', pages(1024))).toBe('0');
    expect(limit(lab, '/b', 'memory.reclaim', pages(1024))).toBe('0');
    expect(mmOf(lab, 'w0')).toEqual({ anon: 1024, shmem: 0, swap: 1024 });
    // A page table holds nothing for a tmpfs page that is out: VmSwap does not know of it.
    expect(mmOf(lab, 'w1')).toEqual({ anon: 0, shmem: 1024, swap: 0 });
    expect(group(lab, '/a')).toMatchObject({ swap: 1024, anon: 1024 });
    expect(group(lab, '/b')).toMatchObject({ swap: 1024, shmem: 1024 });
    expect(lab.world.kernel.swap.freePages).toBe(64 * 256 - 1 - 2048);
    const vma = (worker: string): { swap: number; swapPss: number } => {
      const { vmas } = processFacts(lab.world, lab.world.workers.get(worker)!.process);
      return vmas[0]!.smaps;
    };
    expect(vma('w0')).toMatchObject({ swap: pages(1024), swapPss: pages(1024) * 4096 });
    expect(vma('w1')).toMatchObject({ swap: pages(1024), swapPss: 0 });
    lab.do('gmem create', { name: 'g', bytes: pages(512), flags: 0 });
    lab.do('fallocate', { kind: 'gmem', name: 'g', offset: 0, bytes: pages(512) });
    limit(lab, '/a', 'memory.reclaim', pages(1024));
    expect(limit(lab, '/a', 'memory.reclaim', pages(1024))).toBe('EAGAIN');
    expect(lab.world.kernel.memcgs.get('/a')!.total('unevictable')[0]).toBe(512);
  });

  it('leaves mlocked pages alone', () => {
    const lab = swapLab();
    anon(lab, 1024);
    lab.do('mlock', { name: 'n', offset: 0, bytes: pages(512) });
    expect(limit(lab, '/a', 'memory.reclaim', pages(1024))).toBe('EAGAIN');
    expect(mmOf(lab, 'w0')).toMatchObject({ anon: 512, swap: 512 });
  });

  it('keeps the slot of an anonymous page that is only read, gives it up for a write, and always for a tmpfs page', () => {
    const lab = swapLab();
    anon(lab, 1024);
    memfd(lab, 1024, 'w1');
    limit(lab, '/a', 'memory.reclaim', pages(1024));
    limit(lab, '/b', 'memory.reclaim', pages(1024));
    touch(lab, 'n', 0, 512, false);
    expect(mmOf(lab, 'w0')).toMatchObject({ anon: 512, swap: 512 });
    expect(group(lab, '/a').swap).toBe(1024);
    expect(lab.world.kernel.nodes[0]!.counter('nr_swapcached')).toBe(512);
    touch(lab, 'n', 512, 512, true);
    expect(group(lab, '/a').swap).toBe(512);
    touch(lab, 'm', 0, 1024, false, 'w1');
    expect(group(lab, '/b')).toMatchObject({ swap: 0, shmem: 1024 });
    // What the cache has needs no writing, and no new slot.
    const written = lab.world.kernel.vmEvents['pswpout'];
    limit(lab, '/a', 'memory.reclaim', pages(512));
    expect(mmOf(lab, 'w0')).toMatchObject({ anon: 512, swap: 512 });
    expect(lab.world.kernel.vmEvents['pswpout']).toBe(written);
  });

  it('counts a slot that a fork shares once, and in both page tables', () => {
    const lab = swapLab();
    anon(lab, 512);
    limit(lab, '/a', 'memory.reclaim', pages(512));
    lab.do('fork', { worker: 'w2' }, 'w0');
    expect([mmOf(lab, 'w0').swap, mmOf(lab, 'w2').swap, group(lab, '/a').swap]).toEqual([512, 512, 512]);
    const facts = processFacts(lab.world, lab.world.workers.get('w2')!.process);
    expect(facts.vmas[0]!.smaps.swapPss).toBe((pages(512) * 4096) / 2);
    lab.do('cgroup move', { worker: 'w2', path: '/b' });
    // The group that paid for the slot pays for the page; whoever writes has a copy of its own.
    touch(lab, 'n', 0, 256, false, 'w2');
    expect([group(lab, '/a').anon, group(lab, '/b').anon]).toEqual([256, 0]);
    touch(lab, 'n', 256, 256, true, 'w2');
    expect([group(lab, '/a').anon, group(lab, '/b').anon]).toEqual([256, 256]);
    lab.do('exit', {}, 'w2');
    // Its parent has all slots still, so that the pages that it read stay in the cache.
    expect([mmOf(lab, 'w0').swap, group(lab, '/a').swap]).toEqual([512, 512]);
    touch(lab, 'n', 0, 512, true);
    expect([mmOf(lab, 'w0').swap, group(lab, '/a').swap]).toEqual([0, 0]);
  });

  it('stops at memory.swap.max, and at the end of the device', () => {
    const lab = swapLab(4 * MiB);
    anon(lab, 2048);
    anon(lab, 2048, 'w1');
    limit(lab, '/a', 'memory.swap.max', pages(256));
    expect(limit(lab, '/a', 'memory.reclaim', pages(1024))).toBe('EAGAIN');
    expect(group(lab, '/a').swap).toBe(256);
    expect(limit(lab, '/b', 'memory.reclaim', pages(1024))).toBe('EAGAIN');
    expect(lab.world.kernel.swap.freePages).toBe(0);
  });

  it('lets a program go on above its limit, without a kill', () => {
    const lab = swapLab();
    limit(lab, '/a', 'memory.max', pages(1024));
    anon(lab, 4096);
    const { usage, swap } = group(lab, '/a');
    expect(usage).toBeLessThanOrEqual(1024);
    expect(mmOf(lab, 'w0').anon + mmOf(lab, 'w0').swap).toBe(4096);
    expect(swap).toBe(mmOf(lab, 'w0').swap);
    const { events } = lab.world.kernel.memcgs.get('/a')!;
    expect([events['oom'], events['oom_kill']]).toEqual([0, 0]);
    expect(events['max']).toBeGreaterThan(0);
  });

  it('writes pages out for MADV_PAGEOUT and frees their frames only when reclaim comes by', () => {
    const lab = swapLab();
    anon(lab, 1024);
    memfd(lab, 1024, 'w1');
    const { usage } = group(lab, '/a');
    lab.do('madvise', { name: 'n', offset: 0, bytes: pages(512), advice: 'pageout' });
    lab.do('madvise', { name: 'm', offset: 0, bytes: pages(512), advice: 'pageout' }, 'w1');
    expect(mmOf(lab, 'w0')).toMatchObject({ anon: 512, swap: 512 });
    expect(group(lab, '/a')).toMatchObject({ usage, swap: 512 });
    expect(group(lab, '/b')).toMatchObject({ shmem: 512, swap: 512 });
    expect(lab.world.kernel.nodes[0]!.counter('nr_swapcached')).toBe(1024);
    limit(lab, '/a', 'memory.reclaim', pages(512));
    expect(group(lab, '/a').usage).toBe(usage - 512);
    touch(lab, 'm', 0, 1024, false, 'w1');
    expect(group(lab, '/b')).toMatchObject({ shmem: 1024, swap: 0 });
    lab.do('punch', { kind: 'memfd', name: 'm', offset: 0, bytes: pages(1024) }, 'w1');
    expect(lab.world.kernel.nodes[0]!.counter('nr_swapcached')).toBe(0);
  });

  it('frees memory that its owner gave up first and unwritten, unless it was written to again', () => {
    const lab = swapLab();
    anon(lab, 1024);
    lab.do('madvise', { name: 'n', offset: 0, bytes: pages(512), advice: 'free' });
    const { kernel } = lab.world;
    const { smaps } = processFacts(lab.world, lab.world.workers.get('w0')!.process).vmas[0]!;
    expect(smaps).toMatchObject({ lazyFree: pages(512), privateClean: pages(512), anonymous: pages(1024) });
    expect(kernel.nodes[0]!.counter('nr_inactive_file')).toBe(512);
    touch(lab, 'n', 0, 128, true);
    limit(lab, '/a', 'memory.reclaim', pages(384));
    expect(mmOf(lab, 'w0')).toEqual({ anon: 640, shmem: 0, swap: 0 });
    limit(lab, '/a', 'memory.reclaim', pages(640));
    expect(mmOf(lab, 'w0')).toEqual({ anon: 0, shmem: 0, swap: 640 });
    lab.do('madvise', { name: 'n', offset: 0, bytes: pages(1024), advice: 'free' });
    expect([mmOf(lab, 'w0').swap, kernel.swap.freePages]).toEqual([0, kernel.swap.totalPages]);
  });

  it('holds every page exactly once, in memory or in a slot, whatever happens, and nothing at the end', () => {
    type Draw = { kind: number; who: number; at: number; count: number; write: boolean };
    const draw = fc.record<Draw>({
      kind: fc.nat({ max: 9 }),
      who: fc.nat({ max: 1 }),
      at: fc.nat({ max: 1500 }),
      count: fc.integer({ min: 1, max: 700 }),
      write: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.array(draw, { minLength: 5, maxLength: 40 }),
        fc.boolean(),
        fc.boolean(),
        (draws, interleaves, isHuge) => {
          const lab = swapLab(8 * MiB, isHuge);
          const policy = { mode: 'interleave', flags: [], nodes: [1, 2, 3] } as const;
          const touched = new Map<string, Set<number>>();
          for (const who of ['w0', 'w1']) {
            if (interleaves) lab.do('mempolicy', { ...policy, flags: [], nodes: [...policy.nodes] }, who);
            anon(lab, 1600, who);
            touched.set(who, new Set(Array.from({ length: 1600 }, (_, i) => i)));
          }
          memfd(lab, 1600);
          const file = new Set(Array.from({ length: 1600 }, (_, i) => i));
          const each = (d: Draw, visit: (page: number) => void): void => {
            for (let page = d.at; page < Math.min(1600, d.at + d.count); page++) visit(page);
          };
          for (const d of draws) {
            const who = d.who === 0 ? 'w0' : 'w1';
            const count = Math.min(1600, d.at + d.count) - d.at;
            const range = { offset: pages(d.at), bytes: pages(count) };
            switch (d.kind) {
              case 0:
              case 1:
                touch(lab, 'n', d.at, count, d.write, who);
                // A read of what is not there maps the zero page.
                if (d.write) each(d, (page) => touched.get(who)!.add(page));
                break;
              case 2:
                touch(lab, 'm', d.at, count, d.write);
                each(d, (page) => file.add(page));
                break;
              case 3:
              case 4:
                limit(lab, d.who === 0 ? '/a' : '/b', 'memory.reclaim', range.bytes);
                break;
              case 5:
                lab.do('madvise', { name: 'n', ...range, advice: 'dontneed' }, who);
                each(d, (page) => touched.get(who)!.delete(page));
                break;
              case 6:
                lab.do('punch', { kind: 'memfd', name: 'm', ...range });
                each(d, (page) => file.delete(page));
                break;
              case 7:
                lab.do('madvise', { name: d.write ? 'n' : 'm', ...range, advice: 'pageout' });
                break;
              case 8:
                lab.do('migratepages', { worker: who, from: [0, 1, 2, 3], to: [1, 2, 3, 0] });
                break;
              case 9:
                lab.do('fork', { worker: 'w9' }, who);
                touch(lab, 'n', d.at, count, d.write, 'w9');
                lab.do('exit', {}, 'w9');
                break;
            }
            checkLaws(lab.world);
            expect(lab.world.findings).toEqual([]);
            for (const [name, set] of touched) {
              const { anon: resident, swap } = mmOf(lab, name);
              // Huge faults bring neighbours that nobody touched.
              if (isHuge) expect(resident + swap).toBeGreaterThanOrEqual(set.size);
              else expect(resident + swap).toBe(set.size);
            }
            const inode = [...lab.world.kernel.inodes].find((one) => one.name === 'm')!;
            const held = inode.cache.size + inode.swapped.size;
            if (isHuge) expect(held).toBeGreaterThanOrEqual(file.size);
            else expect(held).toBe(file.size);
          }
          for (const who of ['w0', 'w1']) lab.do('exit', {}, who);
          const { kernel } = lab.world;
          expect(kernel.swap.freePages).toBe(kernel.swap.totalPages);
          expect(kernel.frames.size).toBe(0);
          for (const memcg of kernel.memcgs.values()) {
            expect(memcg.swapUsage).toBe(0);
            for (const item of MEMCG_ITEMS) {
              if (!EVENT_ITEMS.has(item)) expect([item, ...memcg.total(item)]).toEqual([item, 0, 0, 0, 0]);
            }
          }
          for (const node of kernel.nodes) expect(node.counter('nr_swapcached')).toBe(0);
        },
      ),
      { numRuns: 40, seed: 1 },
    );
  });
});

describe('swapoff', () => {
  const exec = (lab: Lab, name: string): number =>
    lab.run(step('exec', { name, argv: ['/bin/busybox', name, '/dev/vda'] })).ret;

  it('brings everything back, charged to whom it was, and leaves no slot', () => {
    const lab = swapLab();
    anon(lab, 1000);
    memfd(lab, 500, 'w1');
    limit(lab, '/a', 'memory.reclaim', '1000p');
    limit(lab, '/b', 'memory.reclaim', '500p');
    lab.do('fork', { worker: 'w2' });
    touch(lab, 'n', 0, 100, false);
    expect(mmOf(lab, 'w2').swap).toBeGreaterThan(900);
    expect(exec(lab, 'swapoff')).toBe(0);
    const { swap } = lab.world.kernel;
    expect([swap.totalPages, swap.freePages, swap.slots.size, swap.slotOf.size]).toEqual([0, 0, 0, 0]);
    expect([mmOf(lab, 'w0').swap, mmOf(lab, 'w2').swap, mmOf(lab, 'w0').anon]).toEqual([0, 0, 1000]);
    // Only the hundred came back to the node that they had left.
    expect(lab.world.kernel.vmEvents['workingset_refault_anon']).toBe(100);
    // One page for both, and the group's, whoever brought it back.
    expect(group(lab, '/a')).toMatchObject({ swap: 0, anon: 1000 });
    expect(group(lab, '/b')).toMatchObject({ swap: 0, shmem: 500 });
    checkLaws(lab.world);
    expect(lab.world.findings).toEqual([]);
    expect(exec(lab, 'swapoff')).toBe(1);
    expect(exec(lab, 'swapon')).toBe(0);
    expect(swap.freePages).toBe(64 * 256 - 1);
    expect(exec(lab, 'swapon')).toBe(1);
  });
});

describe('vm.swappiness', () => {
  it('of 0 leaves anonymous memory where it is', () => {
    const lab = swapLab();
    anon(lab, 1000);
    const set = (value: number): string =>
      lab.do('write', { path: '/proc/sys/vm/swappiness', value: String(value) });
    expect(set(0)).toBe('0');
    expect(limit(lab, '/a', 'memory.reclaim', '100p')).toBe('EAGAIN');
    expect(set(1)).toBe('0');
    expect(limit(lab, '/a', 'memory.reclaim', '100p')).toBe('0');
    expect([set(200), set(201)]).toEqual(['0', 'EINVAL']);
  });
});
