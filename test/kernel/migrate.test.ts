import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Inode } from '../../src/kernel/inode.ts';
import type { Mm } from '../../src/kernel/mm.ts';
import type { StepResult } from '../../src/result/types.ts';
import { Lab, MiB, pages, step } from '../simulation/lab.ts';
import { checkBooks } from './check-books.ts';

const inodeOf = (lab: Lab, name: string): Inode =>
  [...lab.world.kernel.inodes].find((inode) => inode.name === name)!;

const mmOf = (lab: Lab, worker = 'w0'): Mm => lab.world.workers.get(worker)!.process.mm!;

/** Node of each page of a mapped object as the page table says it; -1 where nothing is mapped. */
function mappedNodes(lab: Lab, name: string, worker = 'w0'): number[] {
  const object = lab.world.workers.get(worker)!.objects.get(name)!;
  return Array.from({ length: object.pages }, (_, i) => {
    const pfn = mmOf(lab, worker).pt.get(object.vpn! + i);
    return pfn < 0 ? -1 : lab.world.kernel.nidOf(pfn);
  });
}

/** A memfd, mapped and written by w0. */
function withMemfd(lab: Lab, name: string, count: number): Lab {
  lab.do('memfd create', { name, bytes: pages(count), hugetlb: false, cloexec: false, file: name });
  lab.do('map', { kind: 'memfd', name, shared: true, readOnly: false, at: null, offset: null, bytes: null });
  lab.do('touch', { name, offset: 0, bytes: pages(count), write: true, random: null });
  return lab;
}

function withAnon(lab: Lab, name: string, count: number): Lab {
  lab.do('anon map', {
    name,
    bytes: pages(count),
    shared: false,
    hugetlb: false,
    noreserve: false,
    at: null,
  });
  lab.do('touch', { name, offset: 0, bytes: pages(count), write: true, random: null });
  return lab;
}

/** gmem that the host may map: 7.3 with both flags. */
function withMappedGmem(lab: Lab, name: string, count: number): Lab {
  lab.do('gmem create', { name, bytes: pages(count), flags: 3 });
  lab.do('map', { kind: 'gmem', name, shared: true, readOnly: false, at: null, offset: null, bytes: null });
  lab.do('touch', { name, offset: 0, bytes: pages(count), write: true, random: null });
  return lab;
}

const migrate = (lab: Lab, from: number[], to: number[], worker = 'w0'): StepResult =>
  lab.run(step('migratepages', { worker, from, to }));

describe('migrate_pages(2)', () => {
  it('moves mapped shared and anonymous memory, and nothing of an unmapped gmem', () => {
    const lab = withAnon(withMemfd(new Lab(), 'm', 3000), 'a', 2000);
    lab.do('gmem create', { name: 'g', bytes: pages(500), flags: 0 });
    lab.do('fallocate', { kind: 'gmem', name: 'g', offset: 0, bytes: pages(500) });
    const { numa } = lab.world.kernel.nodes[1]!;
    const before = { ...numa };
    expect(migrate(lab, [0], [1]).ret).toBe(0);
    expect(new Set(mappedNodes(lab, 'm'))).toEqual(new Set([1]));
    expect(new Set(mappedNodes(lab, 'a'))).toEqual(new Set([1]));
    expect(lab.world.kernel.nidOf(inodeOf(lab, 'g').cache.get(0))).toBe(0);
    // The controller allocates, on the CPU of node 1.
    expect(numa.numa_hit - before.numa_hit).toBe(5000);
    expect(numa.local_node - before.local_node).toBe(5000);
    checkBooks(lab.world.kernel);
  });

  it('takes a page once that two VMAs map, and says of the second time that it could not', () => {
    const lab = withMemfd(new Lab(), 'm', 3000);
    const again = {
      kind: 'memfd',
      name: 'm',
      shared: true,
      readOnly: false,
      at: null,
      offset: null,
    } as const;
    lab.do('map', { ...again, bytes: pages(2000) });
    lab.do('touch', { name: 'm', offset: 0, bytes: pages(2000), write: false, random: null });
    expect(migrate(lab, [0], [1]).ret).toBe(2000);
    const { cache } = inodeOf(lab, 'm');
    expect(new Set(Array.from({ length: 3000 }, (_, i) => lab.world.kernel.nidOf(cache.get(i))))).toEqual(
      new Set([1]),
    );
    expect(lab.world.kernel.vmEvents['pgmigrate_success']).toBe(3000);
    // Both VMAs have the new frames.
    const { mappings } = inodeOf(lab, 'm');
    for (const { mm, vma } of mappings) expect(mm.pt.get(vma.start + 1999)).toBe(cache.get(1999));
    checkBooks(lab.world.kernel);
  });

  it('gives the i-th node the i-th target, and takes no page twice', () => {
    const lab = new Lab();
    lab.do('mempolicy', { mode: 'interleave', flags: [], nodes: [0, 1] });
    withAnon(lab, 'a', 1001);
    const before = mappedNodes(lab, 'a');
    migrate(lab, [0, 1], [1, 2]);
    expect(mappedNodes(lab, 'a')).toEqual(before.map((nid) => nid + 1));
    migrate(lab, [1, 2], [2, 1]);
    expect(new Set(mappedNodes(lab, 'a')).size).toBeLessThanOrEqual(2);
    checkBooks(lab.world.kernel);
  });

  it('leaves what unequal sets share, and folds the rest', () => {
    const lab = new Lab();
    lab.do('mempolicy', { mode: 'interleave', flags: [], nodes: [0, 1, 2] });
    withAnon(lab, 'a', 300);
    const before = mappedNodes(lab, 'a');
    migrate(lab, [0, 1, 2], [1, 3]);
    // 0 goes to 1, 1 stays, 2 (third of three) comes back to the first of two.
    expect(mappedNodes(lab, 'a')).toEqual(before.map(() => 1));
  });

  it('moves a forked pair together', () => {
    const lab = withAnon(new Lab(), 'a', 700);
    lab.do('fork', { worker: 'w1' });
    migrate(lab, [0], [3]);
    expect(new Set([...mappedNodes(lab, 'a'), ...mappedNodes(lab, 'a', 'w1')])).toEqual(new Set([3]));
    checkBooks(lab.world.kernel);
  });

  it('counts mapped gmem as not moved, after trying each page twice', () => {
    const lab = withMappedGmem(new Lab({ kernel: '7.3' }), 'g', 1000);
    const hit = lab.world.kernel.nodes[2]!.numa.numa_hit;
    const free = lab.world.kernel.nodes[2]!.freePages;
    expect(migrate(lab, [0], [2]).ret).toBe(1000);
    expect(new Set(mappedNodes(lab, 'g'))).toEqual(new Set([0]));
    expect(lab.world.kernel.nodes[2]!.numa.numa_hit - hit).toBe(2000);
    expect(lab.world.kernel.nodes[2]!.freePages).toBe(free);
  });

  it('needs a target with memory, and a worker', () => {
    const lab = withAnon(new Lab(), 'a', 1);
    expect(migrate(lab, [0], [9]).errno).toBe('EINVAL');
    lab.do('kill', { worker: 'w0', signal: 9 });
    expect(migrate(lab, [0], [1]).errno).toBe('ESRCH');
  });

  it('keeps the charge with its group', () => {
    const lab = new Lab();
    lab.do('cgroup create', { path: '/c' });
    lab.do('cgroup move', { worker: 'w0', path: '/c' });
    withMemfd(lab, 'm', 640);
    const group = lab.world.kernel.memcgs.get('/c')!;
    const usage = group.usage;
    migrate(lab, [0], [2]);
    expect([group.usage, group.own('shmem', 0), group.own('shmem', 2)]).toEqual([usage, 0, 640]);
  });

  it('comes back to the same state as never having moved, once all is freed', () => {
    const lab = withAnon(withMemfd(new Lab(), 'm', 900), 'a', 900);
    migrate(lab, [0], [1]);
    lab.do('exit', {});
    expect(lab.world.kernel.nodes.map((node) => node.counter('nr_anon_pages'))).toEqual([0, 0, 0, 0]);
    expect(lab.world.kernel.nodes.map((node) => node.counter('nr_shmem'))).toEqual([0, 0, 0, 0]);
  });
});

describe('move_pages(2)', () => {
  const move = (lab: Lab, name: string, count: number, node: number, who = 'w0'): StepResult =>
    lab.run(step('move_pages', { name, offset: 0, bytes: pages(count), node }, who));

  it('moves what is there and says what is not', () => {
    const lab = withMemfd(new Lab(), 'm', 1000);
    lab.do('punch', { kind: 'memfd', name: 'm', offset: pages(100), bytes: pages(50) });
    const answer = move(lab, 'm', 1010, 2);
    expect([answer.ret, answer.message]).toEqual([0, 'n=1010 N2=950 ENOENT=50 EFAULT=10']);
    checkBooks(lab.world.kernel);
  });

  it('refuses what two processes map', () => {
    const lab = withMemfd(new Lab(), 'm', 100);
    lab.do('fork', { worker: 'w1' });
    lab.do('touch', { name: 'm', offset: 0, bytes: pages(40), write: false, random: null }, 'w1');
    // A read maps the 64 KiB around it, too.
    const answer = move(lab, 'm', 100, 2);
    expect([answer.ret, answer.message]).toEqual([0, 'n=100 N2=52 EACCES=48']);
  });

  it('writes no status words where gmem cannot be moved', () => {
    const lab = withMappedGmem(new Lab({ kernel: '7.3' }), 'g', 300);
    const answer = move(lab, 'g', 300, 1);
    expect([answer.ret, answer.message]).toEqual([300, 'n=300 unset=300']);
  });

  it('ends at the first page that is not queued after a failure', () => {
    const lab = withMappedGmem(new Lab({ kernel: '7.3' }), 'g', 300);
    lab.do('punch', { kind: 'gmem', name: 'g', offset: pages(100), bytes: pages(100) });
    const answer = move(lab, 'g', 300, 1);
    // 100 failed, the page at hand has its status, 199 were not looked at.
    expect([answer.ret, answer.message]).toEqual([299, 'n=300 ENOENT=1 unset=299']);
  });

  it('knows no node without memory', () => {
    expect(move(withMemfd(new Lab(), 'm', 1), 'm', 1, 7).errno).toBe('ENODEV');
  });
});

describe('mbind(2) with MOVE and STRICT', () => {
  const bind = (lab: Lab, name: string, count: number, move: boolean, strict: boolean, nodes = [3]): string =>
    lab.do('mbind', { name, offset: 0, bytes: pages(count), mode: 'bind', flags: [], nodes, move, strict });

  it('moves misplaced pages, STRICT alone refuses them', () => {
    const lab = withAnon(new Lab(), 'a', 600);
    expect(bind(lab, 'a', 600, false, true)).toBe('EIO');
    expect(mmOf(lab).vmas.every(({ policy }) => policy === null)).toBe(true);
    expect(bind(lab, 'a', 600, true, true)).toBe('0');
    expect(new Set(mappedNodes(lab, 'a'))).toEqual(new Set([3]));
    expect(bind(lab, 'a', 600, false, true)).toBe('0');
    checkBooks(lab.world.kernel);
  });

  it('leaves what others map, which is no failure', () => {
    const lab = withAnon(new Lab(), 'a', 60);
    lab.do('fork', { worker: 'w1' });
    expect(bind(lab, 'a', 60, true, true)).toBe('0');
    expect(new Set(mappedNodes(lab, 'a'))).toEqual(new Set([0]));
  });

  it('stores the policy although gmem stays; STRICT says so', () => {
    const lab = withMappedGmem(new Lab({ kernel: '7.3' }), 'g', 60);
    expect(bind(lab, 'g', 60, true, false)).toBe('0');
    expect(inodeOf(lab, 'g').policy.lookup(0).policy?.nodes).toEqual([3]);
    expect(new Set(mappedNodes(lab, 'g'))).toEqual(new Set([0]));
    expect(bind(lab, 'g', 60, true, true, [2])).toBe('EIO');
  });

  it('puts interleaved pages where a fault would have put them', () => {
    const lab = withAnon(new Lab(), 'a', 64);
    const object = lab.world.workers.get('w0')!.objects.get('a')!;
    lab.do('mbind', {
      name: 'a',
      offset: 0,
      bytes: pages(64),
      mode: 'interleave',
      flags: [],
      nodes: [1, 3],
      move: true,
      strict: false,
    });
    expect(mappedNodes(lab, 'a')).toEqual(
      Array.from({ length: 64 }, (_, i) => [1, 3][(object.vpn! + i) % 2]),
    );
  });
});

describe('migration', () => {
  it('keeps all books, whatever moves where', () => {
    const op = fc.record({
      kind: fc.constantFrom('migrate', 'move', 'mbind', 'touch', 'punch', 'dontneed', 'fork'),
      name: fc.constantFrom('m', 'a'),
      from: fc.nat(3),
      to: fc.nat(3),
      at: fc.nat(199),
      count: fc.integer({ min: 1, max: 200 }),
    });
    fc.assert(
      fc.property(fc.array(op, { maxLength: 14 }), (ops) => {
        const lab = new Lab();
        lab.do('mempolicy', { mode: 'interleave', flags: [], nodes: [0, 1, 3] });
        withAnon(withMemfd(lab, 'm', 200), 'a', 200);
        let forks = 0;
        for (const { kind, name, from, to, at, count } of ops) {
          const span = { name, offset: pages(at), bytes: pages(Math.min(count, 200 - at)) };
          if (kind === 'migrate') migrate(lab, [from], [to]);
          if (kind === 'move') lab.do('move_pages', { ...span, node: to });
          if (kind === 'mbind') {
            lab.do('mbind', { ...span, mode: 'bind', flags: [], nodes: [to], move: true, strict: false });
          }
          if (kind === 'touch') lab.do('touch', { ...span, write: true, random: null });
          if (kind === 'punch') lab.do('punch', { kind: 'memfd', ...span, name: 'm' });
          if (kind === 'dontneed') lab.do('madvise', { ...span, advice: 'dontneed' });
          if (kind === 'fork' && forks < 2) lab.do('fork', { worker: `f${++forks}` });
          checkBooks(lab.world.kernel);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('costs by the run, not by the page', () => {
    const lab = withMemfd(new Lab(), 'm', (128 * MiB) / 4096);
    const started = inodeOf(lab, 'm').cache.pieces;
    migrate(lab, [0], [1]);
    expect(inodeOf(lab, 'm').cache.pieces).toBeLessThanOrEqual(started + 2);
  });
});

describe('write', () => {
  const weight = (lab: Lab, value: string, node = 1): string =>
    lab.do('write', { path: `/sys/kernel/mm/mempolicy/weighted_interleave/node${node}`, value });

  it('sets the weight of a node for weighted interleave', () => {
    const lab = new Lab();
    expect(weight(lab, '3')).toBe('0');
    lab.do('mempolicy', { mode: 'winterleave', flags: [], nodes: [1, 2] });
    withAnon(lab, 'a', 400);
    const nodes = mappedNodes(lab, 'a');
    expect([1, 2].map((nid) => nodes.filter((n) => n === nid).length)).toEqual([300, 100]);
  });

  it('takes 1 to 255, for nodes that exist, and no other file', () => {
    const lab = new Lab();
    expect([weight(lab, '0'), weight(lab, '256'), weight(lab, 'x'), weight(lab, '255')]).toEqual([
      'EINVAL',
      'EINVAL',
      'EINVAL',
      '0',
    ]);
    expect(weight(lab, '1', 9)).toBe('ENOENT');
    expect(() => lab.do('write', { path: '/proc/sys/vm/x', value: '1' })).toThrow(/cannot run/);
  });
});

describe('i_ino of shared memory', () => {
  it('comes from batches of the CPUs', () => {
    const lab = new Lab();
    const create = (name: string): string =>
      lab.do('memfd create', { name, bytes: pages(1), hugetlb: false, cloexec: false, file: name });
    create('a');
    lab.do('affinity', { cpu: 2 });
    create('b');
    lab.do('affinity', { cpu: 0 });
    create('c');
    expect(['a', 'b', 'c'].map((name) => inodeOf(lab, name).ino)).toEqual([2, 1024, 3]);
  });
});
