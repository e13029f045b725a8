import { describe, expect, it } from 'vitest';
import { KernelPanic } from '../../src/kernel/kernel-panic.ts';
import { takeReserves } from '../../src/kernel/page-allocator.ts';
import type { Machine } from '../../src/scenario/types.ts';
import { checkLaws } from '../../src/simulation/laws.ts';
import { fourNodes, Lab, MiB, pages } from '../simulation/lab.ts';

function anon(lab: Lab, who: string, count: number): string {
  const bytes = pages(count);
  lab.do('anon map', { name: 'n', bytes, shared: false, hugetlb: false, noreserve: false, at: null }, who);
  return lab.do('touch', { name: 'n', offset: 0, bytes, write: true, random: null }, who);
}

/** Starts workers in groups, which are made where missing. */
function join(lab: Lab, groups: Readonly<Record<string, string>>): void {
  for (const [worker, path] of Object.entries(groups)) {
    lab.group(path);
    if (worker !== 'w0') lab.do('spawn', { worker });
    lab.do('cgroup move', { worker, path });
  }
}

const limit = (lab: Lab, path: string, file: string, value: string | number): string =>
  lab.do('cgroup limit', { path, file, value: String(value) });

function gmem(lab: Lab, at: number, count: number): string {
  if (!lab.world.workers.get('w0')?.objects.has('g')) {
    lab.do('gmem create', { name: 'g', bytes: 512 * MiB, flags: 0 });
  }
  return lab.do('fallocate', { kind: 'gmem', name: 'g', offset: pages(at), bytes: pages(count) });
}

const eventsOf = (lab: Lab, path: string): Readonly<Record<string, number>> =>
  lab.world.kernel.memcgs.get(path)!.events;

/** Nodes of 64 MiB whose page cache takes half. */
function cached(): Machine {
  const machine = fourNodes(64 * MiB);
  return {
    ...machine,
    nodes: machine.nodes.map((node) => ({
      ...node,
      background: { pageCache: 32 * MiB, anon: 0, slab: 0 },
    })),
  };
}

describe('a limit that is reached', () => {
  it('counts 18 attempts before the kill, and 17 more of the one that was killed', () => {
    const lab = new Lab();
    join(lab, { w0: '/a' });
    limit(lab, '/a', 'memory.max', 16 * MiB);
    expect(gmem(lab, 0, 8192)).toBe('ECONNRESET');
    expect(eventsOf(lab, '/a')).toMatchObject({ max: 35, oom: 1, oom_kill: 1 });
    expect(lab.world.kernel.memcgs.get('/a')!.peak).toBe(4096);
  });

  it('stops at it with kernel memory included', () => {
    const lab = new Lab();
    join(lab, { w0: '/a' });
    limit(lab, '/a', 'memory.max', 64 * MiB);
    lab.do('oomadj', { value: -1000 });
    expect(gmem(lab, 0, 20_000)).toBe('ENOMEM');
    const group = lab.world.kernel.memcgs.get('/a')!;
    const file = group.total('file')[0]!;
    // A tree node of 592 bytes for every 64 pages, and little else.
    expect(16_384 - file).toBeGreaterThan(Math.floor((file / 64) * (592 / 4096)));
    expect(16_384 - file).toBeLessThan(80);
    expect(group.usage).toBeLessThanOrEqual(16_384 + 2);
  });

  it('has the writer of a lower one reclaim, and then kill', () => {
    const lab = new Lab({ machine: { ...fourNodes(256 * MiB), swap: { bytes: 64 * MiB, isOn: true } } });
    join(lab, { w0: '/a', w1: '/b' });
    gmem(lab, 0, 2048);
    anon(lab, 'w1', 2048);
    expect(limit(lab, '/b', 'memory.max', 4 * MiB)).toBe('0');
    expect(lab.world.workers.get('w1')!.process.isAlive).toBe(true);
    expect(lab.world.kernel.memcgs.get('/b')!.usage).toBeLessThanOrEqual(1024);
    expect(limit(lab, '/a', 'memory.max', 4 * MiB)).toBe('0');
    expect(lab.world.workers.get('w0')!.process.killedBy).toBe('oom');
    expect(eventsOf(lab, '/a')).toMatchObject({ max: 0, oom_kill: 1 });
    expect(lab.world.kernel.log).toContain(
      'agent invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=-1000',
    );
  });
});

describe('memory.high', () => {
  it('fails nothing, and counts every attempt to get below it', () => {
    const lab = new Lab();
    join(lab, { w0: '/a' });
    limit(lab, '/a', 'memory.high', 16 * MiB);
    gmem(lab, 0, 16);
    expect(eventsOf(lab, '/a')['high']).toBe(0);
    // Two batches of 64 pages are one call, and a call tries 17 times before the task is put to sleep.
    const group = lab.world.kernel.memcgs.get('/a')!;
    expect(gmem(lab, 0, 4096)).toBe('0');
    const before = eventsOf(lab, '/a')['high']!;
    const { usage } = group;
    expect(gmem(lab, 4096, 256)).toBe('0');
    const calls = Math.ceil((group.usage - usage) / 128);
    expect(eventsOf(lab, '/a')['high']! - before).toBeGreaterThanOrEqual((calls - 1) * 17);
    expect(eventsOf(lab, '/a')).toMatchObject({ max: 0, oom: 0 });
  });
});

describe('protection', () => {
  it('lets groups below memory.low give last, and those below memory.min never', () => {
    const lab = new Lab({ machine: { ...fourNodes(256 * MiB), swap: { bytes: 64 * MiB, isOn: true } } });
    join(lab, { w0: '/p/a', w1: '/p/b', w2: '/p/c' });
    for (const who of ['w0', 'w1', 'w2']) anon(lab, who, 1024);
    limit(lab, '/p/a', 'memory.low', 'max');
    limit(lab, '/p/b', 'memory.min', 'max');
    const swapped = (): number[] =>
      ['w0', 'w1', 'w2'].map((who) => lab.world.workers.get(who)!.process.mm!.rss.swap);
    expect(limit(lab, '/p', 'memory.reclaim', pages(1024))).toBe('0');
    expect(swapped()).toEqual([0, 0, 1024]);
    expect(limit(lab, '/p', 'memory.reclaim', pages(512))).toBe('0');
    expect(swapped()).toEqual([512, 0, 1024]);
    expect(eventsOf(lab, '/p/a')['low']).toBe(1);
    expect(limit(lab, '/p', 'memory.reclaim', pages(1024))).toBe('EAGAIN');
    expect(swapped()[1]).toBe(0);
  });
});

describe('the OOM killer', () => {
  it('takes a group as a whole with memory.oom.group, but for those that are never killed', () => {
    const lab = new Lab();
    join(lab, { w0: '/p/b', w1: '/p/a/y', w2: '/p/a/y', w3: '/p/a/x' });
    limit(lab, '/p', 'memory.max', 32 * MiB);
    limit(lab, '/p/a', 'memory.oom.group', '1');
    lab.do('oomadj', { value: -1000 }, 'w2');
    for (const who of ['w1', 'w2', 'w3']) anon(lab, who, 1024);
    expect(gmem(lab, 0, 6000)).toBe('0');
    const alive = ['w0', 'w1', 'w2', 'w3'].map((who) => lab.world.workers.get(who)!.process.isAlive);
    expect(alive).toEqual([true, false, true, false]);
    expect(eventsOf(lab, '/p/a')['oom_group_kill']).toBe(1);
    expect(lab.world.kernel.log).toContain(
      'Tasks in /p/a are going to be killed due to memory.oom.group set',
    );
  });

  it('passes over processes that are bound elsewhere when a bound allocation runs out', () => {
    const lab = new Lab({ machine: fourNodes(64 * MiB) });
    const bind = (nid: number): { mode: 'bind'; flags: []; nodes: number[] } => ({
      mode: 'bind',
      flags: [],
      nodes: [nid],
    });
    for (const worker of ['w1', 'w2', 'w3']) lab.do('spawn', { worker });
    lab.do('mempolicy', bind(1), 'w1');
    anon(lab, 'w1', 8000);
    lab.do('mempolicy', bind(2), 'w2');
    anon(lab, 'w2', 4000);
    // Without a policy of its own a process may have memory anywhere.
    anon(lab, 'w3', 2000);
    lab.do('mempolicy', bind(2));
    expect(gmem(lab, 0, 14_000)).toBe('0');
    const alive = ['w1', 'w2', 'w3'].map((who) => lab.world.workers.get(who)!.process.isAlive);
    expect(alive).toEqual([true, false, true]);
    expect(lab.world.kernel.log.find((line) => line.startsWith('oom-kill:'))).toBe(
      'oom-kill:constraint=CONSTRAINT_MEMORY_POLICY,nodemask=2,cpuset=/,mems_allowed=0-3,global_oom,task_memcg=/,task=worker,pid=' +
        `${lab.world.workers.get('w2')!.process.pid},uid=0`,
    );
  });

  it('makes room for kernel memory, too, and panics where not a frame is left and nobody may be killed', () => {
    const lab = new Lab({ machine: fourNodes(8 * MiB) });
    lab.do('spawn', { worker: 'w1' });
    anon(lab, 'w1', 2000);
    lab.do('noop', {});
    const { kernel } = lab.world;
    // No reserves at all: kernel memory is what runs out.
    for (const node of kernel.nodes) for (const zone of node.zones) zone.min = zone.low = zone.high = 0;
    lab.do('oomadj', { value: -1000 });
    expect(gmem(lab, 0, 7800)).toBe('0');
    expect(lab.world.workers.get('w1')!.process.killedBy).toBe('oom');
    checkLaws(lab.world);
    expect(lab.world.findings).toEqual([]);
    const { task } = lab.world.workers.get('w0')!;
    expect(() => takeReserves(kernel, task, 1000)).toThrow(KernelPanic);
  });
});

describe('page cache', () => {
  it('gives way before anybody is killed, down to what programs have mapped', () => {
    const lab = new Lab({ machine: cached() });
    lab.do('spawn', { worker: 'w1' });
    anon(lab, 'w1', 2000);
    const total = 4 * 64 * 256;
    expect(gmem(lab, 0, total - 4 * 32 * 256)).toBe('0');
    expect(lab.world.workers.get('w1')!.process.isAlive).toBe(true);
    const cache = lab.world.kernel.nodes.map((node) => node.counter('nr_inactive_file'));
    expect(Math.max(...cache)).toBeLessThan(32 * 256);
    checkLaws(lab.world);
    expect(lab.world.findings).toEqual([]);
  });

  it('goes with drop_caches, which gmem and tmpfs do not', () => {
    const lab = new Lab({ machine: cached() });
    gmem(lab, 0, 1024);
    lab.do('memfd create', { name: 'm', bytes: pages(512), hugetlb: false, cloexec: false, file: 'm' });
    lab.do('fallocate', { kind: 'memfd', name: 'm', offset: 0, bytes: pages(512) });
    const file = (): number =>
      lab.world.kernel.nodes.reduce((sum, node) => sum + node.counter('nr_file_pages'), 0);
    expect(file()).toBe(4 * 32 * 256 + 1536);
    expect(lab.do('dropcaches', { what: 2 })).toBe('0');
    expect(file()).toBe(4 * 32 * 256 + 1536);
    expect(lab.do('dropcaches', { what: 3 })).toBe('0');
    expect(file()).toBe(1536);
    expect(lab.do('write', { path: '/proc/sys/vm/drop_caches', value: '1' })).toBe('0');
    // A program that starts now is read in anew.
    lab.do('spawn', { worker: 'w1' });
    checkLaws(lab.world);
    expect(lab.world.findings).toEqual([]);
  });
});
