import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Machine } from '../../src/scenario/types.ts';
import { play, SMALL } from '../simulation/play.ts';

const HUGE: Machine = { ...SMALL, thp: { enabled: 'always', shmem: 'never', defrag: 'madvise' } };
const BLOCK = 512;
/** Blocks of the mapping; a mapping starts at a block. */
const BLOCKS = 3;

/** A physical folio: which of its pages are mapped how often. */
interface Folio {
  maps: number[];
}

/** What one process maps: a page of a folio for each page, and which blocks have one entry. */
interface Space {
  pages: ({ folio: Folio; at: number } | null)[];
  huge: Set<number>;
  /** Blocks that have a page table of their own. */
  split: Set<number>;
}

/** Anonymous memory page by page. */
class Naive {
  readonly folios = new Set<Folio>();
  readonly spaces = new Map<string, Space>([['w0', empty()]]);

  touch(who: string, from: number, count: number): void {
    const space = this.spaces.get(who)!;
    for (let page = from; page < from + count; page++) {
      const block = Math.floor(page / BLOCK);
      const here = space.pages[page] ?? null;
      if (here === null) {
        if (!space.huge.has(block) && !space.split.has(block)) this.#mapBlock(space, block);
        else this.#map(space, page, this.#newFolio(1), 0);
      } else if (space.huge.has(block)) {
        if (!here.folio.maps.some((maps) => maps > 1)) continue;
        this.#split(space, block);
        page--;
      } else if (here.folio.maps[here.at]! > 1) {
        this.#unmap(space, page);
        this.#map(space, page, this.#newFolio(1), 0);
      }
    }
  }

  drop(who: string, from: number, count: number): void {
    const space = this.spaces.get(who)!;
    for (let block = 0; block < BLOCKS; block++) {
      const start = Math.max(from, block * BLOCK);
      const end = Math.min(from + count, (block + 1) * BLOCK);
      if (start >= end) continue;
      const isWhole = end - start === BLOCK;
      if (space.huge.has(block) && !isWhole) this.#split(space, block);
      for (let page = start; page < end; page++) if (space.pages[page]) this.#unmap(space, page);
      // The kernel frees a table that this empties.
      if (isWhole) {
        space.huge.delete(block);
        space.split.delete(block);
      }
    }
  }

  fork(who: string, child: string): void {
    const from = this.spaces.get(who)!;
    const to = empty();
    this.spaces.set(child, to);
    from.pages.forEach((here, page) => {
      if (here) this.#map(to, page, here.folio, here.at);
    });
    for (const block of from.huge) to.huge.add(block);
    // Blocks without entries are not copied, tables included.
    for (const block of from.split) if (blockPages(to, block) > 0) to.split.add(block);
  }

  exit(who: string): void {
    this.drop(who, 0, BLOCKS * BLOCK);
    this.spaces.delete(who);
  }

  get heldPages(): number {
    return [...this.folios].reduce((sum, { maps }) => sum + maps.length, 0);
  }

  #mapBlock(space: Space, block: number): void {
    const folio = this.#newFolio(BLOCK);
    for (let at = 0; at < BLOCK; at++) this.#map(space, block * BLOCK + at, folio, at);
    space.huge.add(block);
  }

  #split(space: Space, block: number): void {
    space.huge.delete(block);
    space.split.add(block);
  }

  #newFolio(pages: number): Folio {
    const folio: Folio = { maps: Array.from({ length: pages }, () => 0) };
    this.folios.add(folio);
    return folio;
  }

  #map(space: Space, page: number, folio: Folio, at: number): void {
    space.pages[page] = { folio, at };
    folio.maps[at]!++;
  }

  #unmap(space: Space, page: number): void {
    const { folio, at } = space.pages[page]!;
    space.pages[page] = null;
    if (--folio.maps[at]! === 0 && folio.maps.every((maps) => maps === 0)) this.folios.delete(folio);
  }
}

const empty = (): Space => ({
  pages: Array.from({ length: BLOCKS * BLOCK }, () => null),
  huge: new Set(),
  split: new Set(),
});
const blockPages = (space: Space, block: number): number =>
  space.pages.slice(block * BLOCK, (block + 1) * BLOCK).filter((page) => page !== null).length;

const range = fc.record({
  from: fc.oneof(fc.constantFrom(0, 1, 511, 512, 1024, 1535), fc.nat(BLOCKS * BLOCK - 1)),
  count: fc.oneof(fc.constantFrom(1, 16, 512, 1024), fc.integer({ min: 1, max: BLOCKS * BLOCK })),
});
const command = fc.record({
  kind: fc.constantFrom('touch', 'touch', 'touch', 'drop', 'fork', 'exit'),
  who: fc.nat(3),
  range,
});

describe('huge pages of anonymous memory', () => {
  it('agree with a model that goes page by page (7.3)', () => {
    fc.assert(
      fc.property(fc.array(command, { minLength: 1, maxLength: 12 }), (commands) => {
        const naive = new Naive();
        const lines = ['snapshot none', `anon map a ${BLOCKS * BLOCK}p`];
        let forks = 0;
        for (const { kind, who, range: asked } of commands) {
          const alive = [...naive.spaces.keys()];
          const name = alive[who % alive.length]!;
          const { from } = asked;
          const count = Math.min(asked.count, BLOCKS * BLOCK - from);
          if (kind === 'touch') {
            naive.touch(name, from, count);
            lines.push(`${name}: touch a ${from}p ${count}p write`);
          } else if (kind === 'drop') {
            naive.drop(name, from, count);
            lines.push(`${name}: madvise a ${from}p ${count}p dontneed`);
          } else if (kind === 'fork') {
            const child = `c${++forks}`;
            naive.fork(name, child);
            lines.push(`${name}: fork ${child}`);
          } else if (name !== 'w0') {
            naive.exit(name);
            lines.push(`${name}: exit`);
          }
        }
        lines.push('snapshot end');
        const played = play('page-cache', lines.join('\n'), { machine: HUGE, kernel: '7.3' });
        for (const [name, space] of naive.spaces) {
          const process = played.process('end', name)!;
          const pages = space.pages.filter((page) => page !== null).length;
          expect(process.rssAnonPages, `RSS of ${name}`).toBe(pages);
          const smaps = process.vmas.find((vma) => vma.name === '' && !vma.hasFile)!.smaps;
          expect(smaps.anonHuge / 4096, `huge entries of ${name}`).toBe(space.huge.size * BLOCK);
        }
        const isHuge = (folio: Folio): boolean =>
          [...naive.spaces.values()].some((space) =>
            [...space.huge].some((block) => space.pages[block * BLOCK]!.folio === folio),
          );
        const huge = [...naive.folios].filter(isHuge).length;
        expect(played.counter('end', 'nr_anon_transparent_hugepages')).toBe(huge * BLOCK);
        expect(played.counter('end', 'nr_active_anon'), 'pages held').toBe(naive.heldPages);
        expect(played.findings).toEqual([]);
      }),
      { numRuns: 150, seed: 1 },
    );
  });
});
