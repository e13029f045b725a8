import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INTERFACES } from '../../src/analysis/interfaces.ts';
import type { KernelInterface } from '../../src/analysis/types.ts';
import { sampleProcess, sampleVma } from '../procfs/sample-facts.ts';
import { sampleHolding, sampleWorld, trackedFd } from './fixture.ts';

const named = (id: string): KernelInterface => INTERFACES.find((one) => one.id === id)!;
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe('interfaces', () => {
  it('have an id each, and one reader for every strategy', () => {
    const ids = INTERFACES.map((one) => one.id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  // Hand-computed from the fixture: kB reported, kB by node, pages by node that are true.
  it.each<[string, string, number, number[] | null, number[]]>([
    ['rss', 'vmm', (8 + 2 + 38) * 4, null, [131, 319]],
    ['vmsize', 'vmm', 360, null, [131, 319]],
    ['smaps-rss', 'vmm', (8 + 38) * 4, null, [131, 319]],
    ['pss', 'vmm', (8 + 38) * 4, null, [131, 319]],
    ['numa_maps', 'vmm', 46 * 4, [27 * 4, 19 * 4], [131, 319]],
    ['numastat-p', 'vmm', 46 * 4, [27 * 4, 19 * 4], [131, 319]],
    ['oom-badness', 'vmm', 200, null, [131, 319]],
    ['rss', 'helper', 20, null, [0, 5]],
    ['memory.current', '/a', 1200, null, [131, 319]],
    ['memory.stat-total', '/a', 1200, null, [131, 319]],
    ['memory.numa_stat', '/a', 298 * 4, [129 * 4, 169 * 4], [129, 319]],
    ['memory.current', '/b', 155 * 4, null, [0, 5]],
    ['memory.stat-total', '/', 1955 * 4, null, [1131, 824]],
    ['node-FilePages', 'node0', 1119 * 4, [1119 * 4], [1119]],
    ['node-FilePages', 'node1', 819 * 4, [0, 819 * 4], [0, 819]],
    ['node-Unevictable', 'node1', 303 * 4, [0, 303 * 4], [0, 303]],
    ['node-MemUsed', 'node1', 62_143 * 4, [0, 62_143 * 4], [0, 62_143]],
  ])('%s of %s says what the kernel prints', (id, subject, totalKb, nodesKb, truthPages) => {
    const { facts, truth } = sampleWorld();
    expect(named(id).report(facts, subject)).toEqual({ totalKb, nodesKb });
    expect(named(id).truth(truth, subject)).toEqual(truthPages);
  });

  it.each([
    ['rss', 'nobody'],
    ['numastat-p', 'nobody'],
    ['memory.current', '/gone'],
    ['memory.current', '/'],
    ['tracker', 'vmm'],
    ['node-MemUsed', 'node7'],
  ])('%s has nothing to say about %s', (id, subject) => {
    expect(named(id).report(sampleWorld().facts, subject)).toBeNull();
  });

  it('knows no badness where the facts have none: oom_score is too coarse to guess from', () => {
    const { facts } = sampleWorld({ processes: [sampleProcess({ oomScore: 700 })] });
    expect(named('oom-badness').report(facts, 'vmm')).toBeNull();
  });

  it('leaves [vsyscall] out, and counts huge pages of numa_maps in their own size', () => {
    const huge = sampleVma({
      hugetlb: true,
      kernelPageKb: 2048,
      numa: { ...sampleVma().numa, pages: 3, nodes: [1, 2] },
    });
    const gate = sampleVma({
      name: '[vsyscall]',
      numa: { ...sampleVma().numa, pages: 1, nodes: [1] },
      smaps: { ...sampleVma().smaps, rss: 4096 },
    });
    const { facts } = sampleWorld({ processes: [sampleProcess({ vmas: [huge, gate] })] });
    expect(named('numa_maps').report(facts, 'vmm')).toEqual({ totalKb: 6144, nodesKb: [2048, 4096] });
    expect(named('smaps-rss').report(facts, 'vmm')?.totalKb).toBe(0);
  });

  it('counts a cgroup below another in both, and a sibling with a longer name in neither', () => {
    const { truth } = sampleWorld();
    truth.processes[1]!.cgroup = '/a/inner';
    expect(named('memory.current').truth(truth, '/a')).toEqual([131, 324]);
    truth.processes[1]!.cgroup = '/ab';
    expect(named('memory.current').truth(truth, '/a')).toEqual([131, 319]);
  });

  it('expects mlocked memory and all of a guest_memfd in Unevictable', () => {
    const { truth } = sampleWorld();
    truth.holdings = [
      sampleHolding({ nodePages: [7, 1] }),
      sampleHolding({ kind: 'memfd', nodePages: [50], unevictableNodePages: [20] }),
      sampleHolding({ kind: 'anon', nodePages: [9] }),
    ];
    expect(named('node-Unevictable').truth(truth, 'node0')).toEqual([27]);
  });

  it('agrees with itself: numa_maps, numastat -p and their nodes sum alike', () => {
    const pages = fc.nat({ max: 2 ** 33 });
    const vma = fc
      .record({ name: fc.constantFrom('[heap]', '[stack]', '', '/x'), nodes: fc.tuple(pages, pages) })
      .map(({ name, nodes }) => sampleVma({ name, numa: { ...sampleVma().numa, pages: sum(nodes), nodes } }));
    fc.assert(
      fc.property(fc.array(vma, { minLength: 1 }), (vmas) => {
        const { facts } = sampleWorld({ processes: [sampleProcess({ vmas })] });
        const maps = named('numa_maps').report(facts, 'vmm')!;
        expect(named('numastat-p').report(facts, 'vmm')).toEqual(maps);
        expect(sum(maps.nodesKb!)).toBe(maps.totalKb);
        expect(maps.totalKb).toBe(4 * sum(vmas.map((one) => one.numa.pages)));
      }),
    );
  });
});

describe('tracker', () => {
  const report = (fds: ReturnType<typeof trackedFd>[]) =>
    named('tracker').report(sampleWorld({ processes: [sampleProcess({ fds })] }).facts, 'vmm');

  it('sums the nodes of all files, a duplicated descriptor once', () => {
    const one = trackedFd({ gmem_size: '9 kB', gmem_node0: '400 kB', gmem_node1: '1200' });
    const again = trackedFd({ gmem_node0: '400 kB', gmem_node1: '1200' }, { fd: 10 });
    const other = trackedFd({ gmem_node1: '8 kB' }, { fd: 11, inode: 2062 });
    const plain = trackedFd({}, { fd: 12, inode: 2062, link: '/memfd:ram (deleted)' });
    expect(report([one, again, other, plain])).toEqual({ totalKb: 1608, nodesKb: [400, 1208] });
  });

  it('is judged by private memory alone', () => {
    expect(named('tracker').truth(sampleWorld().truth, 'vmm')).toEqual([100, 300]);
  });

  it('has no split where a file has only a total', () => {
    const files = [trackedFd({ gmem_pages: '3' }), trackedFd({ gmem_node0: '4' }, { fd: 10, inode: 1 })];
    expect(report(files)).toEqual({ totalKb: 16, nodesKb: null });
  });

  it('names the descriptor and the value that is no number', () => {
    expect(() => report([trackedFd({ gmem_node0: 'lots' })])).toThrow(
      'fdinfo/9 of vmm: gmem_node0 is "lots", expected a number',
    );
  });
});
