import { describe, expect, it } from 'vitest';
import type { Mm } from '../../src/kernel/mm.ts';
import { Lab, MiB, pages } from '../simulation/lab.ts';

const AT = 0x7000_0000_0000;

/** Anonymous memory of 1 MiB, written. */
function lab(): { lab: Lab; mm: Mm } {
  const made = new Lab();
  made.do('anon map', anon('n', MiB, AT));
  made.do('touch', { name: 'n', offset: 0, bytes: MiB, write: true, random: null });
  return { lab: made, mm: made.world.workers.get('w0')!.process.mm! };
}

const anon = (
  name: string,
  bytes: number,
  at: number | null,
): {
  name: string;
  bytes: number;
  shared: boolean;
  hugetlb: boolean;
  noreserve: boolean;
  at: number | null;
} => ({
  name,
  bytes,
  shared: false,
  hugetlb: false,
  noreserve: false,
  at,
});

describe('mmap', () => {
  it('at a fixed address replaces what is there', () => {
    const { lab: one, mm } = lab();
    expect(one.do('anon map', anon('m', pages(64), AT + pages(32)))).toBe('0');
    expect([mm.rss.anon, mm.totalVm, mm.vmas.length]).toEqual([256 - 64, 256, 3]);
    expect(one.world.kernel.committed).toBe(256);
  });

  it('without one finds room beside what is there', () => {
    const { lab: one, mm } = lab();
    for (const name of ['a', 'b', 'c']) expect(one.do('anon map', anon(name, MiB, null))).toBe('0');
    expect(mm.totalVm).toBe(4 * 256);
    mm.vmas.slice(1).forEach((vma, i) => expect(vma.start).toBeGreaterThanOrEqual(mm.vmas[i]!.end));
  });

  it('fails beyond RLIMIT_AS and for nothing at all', () => {
    const { lab: one } = lab();
    // The worker program asks for 4 MiB more at first, to find an aligned address.
    one.do('rlimit', { resource: 'as', bytes: 6 * MiB });
    expect(one.do('anon map', anon('m', MiB + 4096, null))).toBe('ENOMEM');
    expect(one.do('anon map', anon('m', MiB, null))).toBe('0');
    expect(one.do('anon map', anon('z', 0, null))).toBe('EINVAL');
  });
});

describe('munmap', () => {
  it('frees the pages, splits the mapping and keeps tables that a neighbour may use', () => {
    const { lab: one, mm } = lab();
    const before = mm.tables.size;
    one.do('unmap', { kind: 'anon', name: 'n', range: { offset: pages(100), bytes: pages(50) } });
    expect([mm.rss.anon, mm.vmas.length, mm.tables.size]).toEqual([206, 2, before]);
    one.do('unmap', { kind: 'anon', name: 'n', range: null });
    expect([mm.rss.anon, mm.vmas.length, mm.tables.size, one.world.kernel.committed]).toEqual([0, 0, 0, 0]);
    expect(one.world.kernel.frames.size).toBe(0);
  });

  it('leaves the upper tables as long as another mapping lies below them', () => {
    const { lab: one, mm } = lab();
    one.do('anon map', anon('far', MiB, AT + 64 * MiB));
    one.do('unmap', { kind: 'anon', name: 'n', range: null });
    // Its own table went; the two above it span the other mapping.
    expect(mm.tables.size).toBe(2);
  });
});
