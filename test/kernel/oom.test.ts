import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { oomKill, oomScore } from '../../src/kernel/oom.ts';
import type { Memcg } from '../../src/kernel/memcg.ts';
import { fourNodes, Lab, MiB, pages } from '../simulation/lab.ts';

/** Starts a worker in a group with so many pages of anonymous memory, written from the front on. */
function spawn(lab: Lab, worker: string, path: string, anonPages: number, adj = 0): void {
  lab.do('spawn', { worker });
  lab.do('cgroup move', { worker, path });
  lab.do('oomadj', { value: adj }, worker);
  const bytes = pages(anonPages);
  lab.do('anon map', { name: 'n', bytes, shared: false, hugetlb: false, noreserve: false, at: null }, worker);
  lab.do('touch', { name: 'n', offset: 0, bytes, write: true, random: null }, worker);
}

const isBelow = (group: Memcg, above: Memcg): boolean =>
  group === above || (group.parent !== null && isBelow(group.parent, above));

describe('the OOM killer', () => {
  it('takes the highest of RSS and page tables plus a thousandth of the whole for each point of oom_score_adj', () => {
    const someone = fc.record({
      path: fc.constantFrom('/a/a', '/a/b', '/c'),
      anonPages: fc.constantFrom(1, 5, 600, 601, 1200, 4000),
      adj: fc.constantFrom(0, 0, 0, -1000, -900, 10, 500, 1000),
    });
    fc.assert(
      fc.property(
        fc.array(someone, { minLength: 1, maxLength: 6 }),
        fc.constantFrom('/a', '/a/b', '/c', null),
        (all, at) => {
          const lab = new Lab();
          const { kernel, workers } = lab.world;
          for (const path of ['/a/a', '/a/b', '/c']) lab.group(path);
          all.forEach(({ path, anonPages, adj }, i) => spawn(lab, `w${i}`, path, anonPages, adj));
          const limit = at === null ? null : kernel.memcgs.get(at)!;
          if (limit) limit.max = 20_000;
          const total = limit?.max ?? kernel.totalPages;
          let chosen: string | null = null;
          let worst = -Infinity;
          all.forEach(({ path, anonPages, adj }, i) => {
            if (adj === -1000 || (limit && !isBelow(kernel.memcgs.get(path)!, limit))) return;
            // A table for each 2 MiB that the pages touch, three above.
            const tables = workers.get(`w${i}`)!.process.mm!.tables.size + 1;
            const points = anonPages + tables + adj * Math.floor(total / 1000);
            if (points < worst) return;
            worst = points;
            chosen = `w${i}`;
          });
          const other = workers.get('w0')!.task;
          const constraint = limit ? 'CONSTRAINT_MEMCG' : 'CONSTRAINT_NONE';
          const victim = oomKill(kernel, other, { limit, nodemask: null, constraint, kind: 'anon' });
          expect(victim?.worker ?? null).toBe(chosen);
          // Whoever asked for memory dies when its call returns, everybody else at once.
          if (chosen !== null) expect(workers.get(chosen)!.process.isAlive).toBe(chosen === 'w0');
        },
      ),
      { numRuns: 30, seed: 1 },
    );
  });

  it('counts in memory.events of the group at its limit and of those above it', () => {
    const lab = new Lab();
    lab.group('/a/b/c');
    lab.do('cgroup limit', { path: '/a/b', file: 'memory.max', value: `${MiB}` });
    spawn(lab, 'w1', '/a/b/c', 300);
    const events = ['/a', '/a/b', '/a/b/c'].map((path) => lab.world.kernel.memcgs.get(path)!.events);
    expect(events.map((each) => each['oom'])).toEqual([1, 1, 0]);
    expect(events.map((each) => each['oom_kill'])).toEqual([1, 1, 1]);
    expect(events[0]!['max']).toBeGreaterThan(0);
    expect(events[2]!['max']).toBe(0);
  });

  it('counts a kill for want of memory in the group of the victim', () => {
    const lab = new Lab({ machine: fourNodes(16 * MiB) });
    lab.do('cgroup create', { path: '/a' });
    spawn(lab, 'w1', '/a', 10_000);
    spawn(lab, 'w2', '/', 9000);
    expect(lab.world.workers.get('w1')!.process.killedBy).toBe('oom');
    expect(lab.world.workers.get('w2')!.process.isAlive).toBe(true);
    expect(lab.world.kernel.memcgs.get('/a')!.events['oom_kill']).toBe(1);
    expect(lab.world.kernel.log.join('\n')).toContain('constraint=CONSTRAINT_NONE');
  });

  it('never sees private memory: a bystander dies for the owner of a gmem at its limit', () => {
    const lab = new Lab();
    lab.do('cgroup create', { path: '/a' });
    lab.do('cgroup limit', { path: '/a', file: 'memory.max', value: `${96 * MiB}` });
    lab.do('cgroup move', { worker: 'w0', path: '/a' });
    lab.do('gmem create', { name: 'g', bytes: 200 * MiB, flags: 0 });
    lab.do('fallocate', { kind: 'gmem', name: 'g', offset: 0, bytes: 60 * MiB });
    spawn(lab, 'w1', '/a', 6000);
    expect(lab.do('fallocate', { kind: 'gmem', name: 'g', offset: 60 * MiB, bytes: 20 * MiB })).toBe('0');
    expect(lab.world.workers.get('w1')!.process.killedBy).toBe('oom');
    expect(lab.do('fallocate', { kind: 'gmem', name: 'g', offset: 80 * MiB, bytes: 20 * MiB })).toBe(
      'ECONNRESET',
    );
    expect(lab.world.kernel.memcgs.get('/a')!.total('file')).toEqual([0, 0, 0, 0]);
  });

  it('gives ENOMEM when nobody may be killed, and keeps what came before', () => {
    const lab = new Lab({ machine: fourNodes(16 * MiB) });
    lab.do('oomadj', { value: -1000 });
    lab.do('gmem create', { name: 'g', bytes: 100 * MiB, flags: 0 });
    expect(lab.do('fallocate', { kind: 'gmem', name: 'g', offset: 0, bytes: 100 * MiB })).toBe('ENOMEM');
    const [gmem] = lab.world.kvm.vmOfGmem.keys();
    expect(gmem!.cache.size).toBeGreaterThan(14_000);
    // What is left lies below the min watermarks.
    for (const node of lab.world.kernel.nodes) {
      for (const zone of node.zones) expect(zone.freePages).toBeLessThanOrEqual(zone.min + zone.reserve);
    }
  });
});

describe('oom_score', () => {
  it('is 666 for an idle process and 753 for one that holds 131226 of 1005320 pages', () => {
    const lab = new Lab({ machine: fourNodes((1_005_320 / 4) * 4096) });
    lab.do('noop', {});
    const { process } = lab.world.workers.get('w0')!;
    expect(oomScore(lab.world.kernel, process)).toBe(666);
    process.mm!.rss.anon = 131_226 + 267 - 1;
    expect(oomScore(lab.world.kernel, process)).toBe(753);
    process.oomScoreAdj = -1000;
    expect(oomScore(lab.world.kernel, process)).toBe(0);
  });
});
