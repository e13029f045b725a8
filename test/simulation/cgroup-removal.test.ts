import { describe, expect, it } from 'vitest';
import type { Memcg } from '../../src/kernel/memcg.ts';
import { Lab, MiB, pages } from './lab.ts';

const at = (lab: Lab, path: string): Memcg => lab.world.kernel.memcgs.get(path)!;
const sum = (counts: number[]): number => counts.reduce((total, n) => total + n, 0);

/** w1 in /a/b fills a gmem of its own and a memfd of w0's, then ends; w0 in the root group holds both. */
function orphan(kernel: '6.12' | '7.3'): Lab {
  const lab = new Lab({ kernel });
  lab.group('/a/b');
  lab.do('vm create', { type: 'swprot' });
  lab.do('gmem create', { name: 'g', bytes: 4 * MiB, flags: 0 });
  lab.do('memfd create', { name: 'm', bytes: MiB, hugetlb: false, cloexec: false, file: 'm' });
  lab.do('fork', { worker: 'w1' });
  lab.do('cgroup move', { worker: 'w1', path: '/a/b' });
  lab.do('fallocate', { kind: 'gmem', name: 'g', offset: 0, bytes: 4 * MiB }, 'w1');
  lab.do('fallocate', { kind: 'memfd', name: 'm', offset: 0, bytes: MiB }, 'w1');
  expect(lab.do('cgroup rm', { path: '/a/b' })).toBe('EBUSY');
  lab.do('exit', {}, 'w1');
  expect(sum(at(lab, '/a/b').total('file'))).toBe(1280);
  return lab;
}

describe('removing a cgroup whose memory lives on', () => {
  it('leaves a dying group with its folios on 6.12; kernel memory goes to the parent', () => {
    const lab = orphan('6.12');
    const group = at(lab, '/a/b');
    const slab = sum(group.total('slab_reclaimable'));
    expect(slab).toBeGreaterThan(0);
    expect(lab.do('cgroup rm', { path: '/a/b' })).toBe('0');
    expect(lab.world.kernel.memcgs.has('/a/b')).toBe(false);
    expect([group.isDying, sum(group.total('file')), sum(group.total('slab_reclaimable'))]).toEqual([
      true,
      1280,
      0,
    ]);
    // Still counted above it.
    const above = at(lab, '/a');
    expect([sum(above.total('file')), sum(above.total('slab_reclaimable'))]).toEqual([1280, slab]);
    expect([above.usage - Math.ceil(slab / 4096), group.usage]).toEqual([1280, 1280]);
  });

  it('gives the folios to the parent on 7.3', () => {
    const lab = orphan('7.3');
    const group = at(lab, '/a/b');
    expect(lab.do('cgroup rm', { path: '/a/b' })).toBe('0');
    const above = at(lab, '/a');
    expect([sum(group.total('file')), group.usage]).toEqual([0, 0]);
    expect(Array.from({ length: 4 }, (_, nid) => above.own('file', nid)).reduce((a, b) => a + b)).toBe(1280);
    expect(above.children.size).toBe(0);
    // New memory of a group of that name is another's.
    lab.group('/a/b');
    lab.do('cgroup move', { worker: 'w0', path: '/a/b' });
    lab.do('anon map', {
      name: 'n',
      bytes: pages(8),
      shared: false,
      hugetlb: false,
      noreserve: false,
      at: null,
    });
    lab.do('touch', { name: 'n', offset: 0, bytes: pages(8), write: true, random: null });
    expect([sum(at(lab, '/a/b').total('anon')), sum(at(lab, '/a/b').total('file'))]).toEqual([8, 0]);
  });

  it.each(['6.12', '7.3'] as const)('loses no charge on %s when the groups above go, too', (kernel) => {
    const lab = orphan(kernel);
    const groups = [at(lab, '/'), at(lab, '/a'), at(lab, '/a/b')];
    expect(lab.do('cgroup rm', { path: '/a/b' })).toBe('0');
    expect(lab.do('cgroup rm', { path: '/a' })).toBe('0');
    expect(sum(at(lab, '/').total('file'))).toBe(1280);
    lab.do('close', { kind: 'gmem', name: 'g' });
    lab.do('close', { kind: 'memfd', name: 'm' });
    lab.do('exit', {});
    for (const stock of lab.world.kernel.stocks) stock.drain();
    expect(groups.map((group) => sum(group.total('file')))).toEqual([0, 0, 0]);
    expect(groups.map((group) => sum(group.total('slab_reclaimable')))).toEqual([0, 0, 0]);
    expect(groups.map((group) => group.usage)).toEqual([0, 0, 0]);
  });

  it('keeps what a dying group holds within the group above it while it empties', () => {
    const lab = orphan('6.12');
    const group = at(lab, '/a/b');
    lab.do('cgroup rm', { path: '/a/b' });
    for (let i = 4; i > 0; i--) {
      lab.do('punch', { kind: 'gmem', name: 'g', offset: 0, bytes: i * MiB });
      expect(group.usage).toBeLessThanOrEqual(at(lab, '/a').usage);
    }
    lab.do('close', { kind: 'gmem', name: 'g' });
    lab.do('close', { kind: 'memfd', name: 'm' });
    expect([group.usage, at(lab, '/a').usage]).toEqual([0, 0]);
  });

  it('refuses a group with children, the root group and one that is not there', () => {
    const lab = new Lab();
    lab.group('/a/b');
    expect(lab.do('cgroup create', { path: '/a' })).toBe('EEXIST');
    expect(lab.do('cgroup rm', { path: '/a' })).toBe('EBUSY');
    expect(lab.do('cgroup rm', { path: '/' })).not.toBe('0');
    expect(lab.do('cgroup rm', { path: '/c' })).toBe('ENOENT');
    expect(lab.do('cgroup rm', { path: '/a/b' })).toBe('0');
    expect(lab.do('cgroup rm', { path: '/a' })).toBe('0');
    expect(lab.do('cgroup move', { worker: 'w0', path: '/a' })).toBe('ENOENT');
  });
});
