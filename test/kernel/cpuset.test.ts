import { describe, expect, it } from 'vitest';
import { fourNodes, Lab, MiB, pages } from '../simulation/lab.ts';

/** Pages of a file by node. */
function fileNodes(lab: Lab, name: string): number[] {
  const { kernel } = lab.world;
  const inode = [...kernel.inodes].find((each) => each.name === name)!;
  const out = [0, 0, 0, 0];
  for (let i = 0; i < inode.sizePages; i++) {
    const pfn = inode.cache.get(i);
    if (pfn >= 0) out[kernel.nidOf(pfn)]!++;
  }
  return out;
}

function gmem(lab: Lab, name: string, count: number, who = 'w0'): number[] {
  lab.do('gmem create', { name, bytes: pages(count), flags: 0 }, who);
  lab.do('fallocate', { kind: 'gmem', name, offset: 0, bytes: pages(count) }, who);
  return fileNodes(lab, name);
}

const setMems = (lab: Lab, path: string, value: string): string =>
  lab.do('cgroup limit', { path, file: 'cpuset.mems', value });

/** w0 in a cpuset. */
function confined(mems: string, lab: Lab = new Lab()): Lab {
  lab.do('cgroup create', { path: '/c' });
  expect(setMems(lab, '/c', mems)).toBe('0');
  lab.do('cgroup move', { worker: 'w0', path: '/c' });
  return lab;
}

describe('a cpuset', () => {
  it('takes new pages from its nodes only, counted as hits there', () => {
    const lab = confined('2-3');
    const { numa } = lab.world.kernel.nodes[2]!;
    const before = { ...numa };
    expect(gmem(lab, 'g', 400)).toEqual([0, 0, 400, 0]);
    expect([numa.numa_hit - before.numa_hit >= 400, numa.numa_miss - before.numa_miss]).toEqual([true, 0]);
    // One page at a time comes to the same.
    lab.do('anon map', {
      name: 'a',
      bytes: pages(1),
      shared: false,
      hugetlb: false,
      noreserve: false,
      at: null,
    });
    lab.do('touch', { name: 'a', offset: 0, bytes: pages(1), write: true, random: null });
    expect(lab.world.kernel.nodes.map((node) => node.counter('nr_anon_pages'))).toEqual([0, 0, 1, 0]);
  });

  it('goes on to its other nodes when one is full, and no further', () => {
    const lab = confined('1,2', new Lab({ machine: fourNodes(64 * MiB) }));
    lab.do('gmem create', { name: 'g', bytes: 112 * MiB, flags: 0 });
    lab.do('fallocate', { kind: 'gmem', name: 'g', offset: 0, bytes: 112 * MiB });
    const [a, b, c, d] = fileNodes(lab, 'g');
    expect([a, d]).toEqual([0, 0]);
    expect([b! > 10_000, c! > 10_000]).toEqual([true, true]);
  });

  it('keeps move_pages(2) from nodes that are not its own', () => {
    const lab = confined('1,3');
    const span = { name: 'a', offset: 0, bytes: pages(8) };
    lab.do('anon map', {
      name: 'a',
      bytes: pages(8),
      shared: false,
      hugetlb: false,
      noreserve: false,
      at: null,
    });
    expect(lab.do('move_pages', { ...span, node: 0 })).toBe('EACCES');
    expect(lab.do('move_pages', { ...span, node: 3 })).toBe('0');
  });

  it('leaves policies only its nodes', () => {
    const lab = confined('2');
    const set = (nodes: number[]): string => lab.do('mempolicy', { mode: 'interleave', flags: [], nodes });
    expect([set([0, 1]), set([1, 2])]).toEqual(['EINVAL', '0']);
    expect(gmem(lab, 'g', 10)).toEqual([0, 0, 10, 0]);
  });

  it('takes page tables and policies along when its nodes change, gmem and the policies of inodes not', () => {
    const lab = confined('0,1');
    const { kernel } = lab.world;
    const bind = { mode: 'bind' as const, flags: [], move: false, strict: false };
    lab.do('memfd create', { name: 'm', bytes: pages(100), hugetlb: false, cloexec: false, file: 'm' });
    lab.do('map', {
      kind: 'memfd',
      name: 'm',
      shared: true,
      readOnly: false,
      at: null,
      offset: null,
      bytes: null,
    });
    lab.do('anon map', {
      name: 'a',
      bytes: pages(100),
      shared: false,
      hugetlb: false,
      noreserve: false,
      at: null,
    });
    for (const name of ['m', 'a']) {
      lab.do('mbind', { name, offset: 0, bytes: pages(100), nodes: [1], ...bind });
      lab.do('touch', { name, offset: 0, bytes: pages(100), write: true, random: null });
    }
    expect(gmem(lab, 'g', 100)).toEqual([100, 0, 0, 0]);
    lab.do('mempolicy', { mode: 'interleave', flags: [], nodes: [0, 1] });
    expect(setMems(lab, '/c', '2-3')).toBe('0');
    expect(fileNodes(lab, 'm')).toEqual([0, 0, 0, 100]);
    expect(kernel.nodes.map((node) => node.counter('nr_anon_pages'))).toEqual([0, 0, 0, 100]);
    expect(fileNodes(lab, 'g')).toEqual([100, 0, 0, 0]);
    const worker = lab.world.workers.get('w0')!;
    expect(worker.task.policy?.nodes).toEqual([2, 3]);
    const anon = worker.process.mm!.find(worker.objects.get('a')!.vpn!)!;
    expect(anon.policy?.nodes).toEqual([3]);
    const memfd = [...kernel.inodes].find(({ name }) => name === 'm')!;
    expect(memfd.policy.lookup(0).policy?.nodes).toEqual([1]);
    // A policy that names none of the nodes that are left says nothing.
    lab.do('punch', { kind: 'memfd', name: 'm', offset: 0, bytes: pages(100) });
    lab.do('touch', { name: 'm', offset: 0, bytes: pages(100), write: true, random: null });
    expect(fileNodes(lab, 'm')).toEqual([0, 0, 100, 0]);
  });

  it('is inherited by fork and by groups below, within what those above have', () => {
    const lab = confined('1-2');
    lab.do('fork', { worker: 'w1' });
    expect(gmem(lab, 'g', 10, 'w1')).toEqual([0, 10, 0, 0]);
    lab.do('cgroup move', { worker: 'w0', path: '/' });
    lab.group('/c/d');
    setMems(lab, '/c/d', '2-3');
    lab.do('cgroup move', { worker: 'w1', path: '/c/d' });
    expect(gmem(lab, 'h', 10, 'w1')).toEqual([0, 0, 10, 0]);
  });

  it('takes lists of nodes with memory', () => {
    const lab = confined('0');
    expect([setMems(lab, '/c', 'x'), setMems(lab, '/c', '7'), setMems(lab, '/c', '0-3')]).toEqual([
      'EINVAL',
      'EINVAL',
      '0',
    ]);
  });
});
