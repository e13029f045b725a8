import { describe, expect, it } from 'vitest';
import { scenarioFrom, runOf, runUnder } from '../simulation/scenario-file.ts';
import { Played } from '../simulation/play.ts';

/** Runs a script on a machine of four nodes with gmem in 2 MiB folios. */
async function run(steps: string, strategy = 'page-cache'): Promise<Played> {
  const text = `title: t
machine: rig-4node
kernel: "7.3"
proposed: [gmem-huge-pages]
steps: |
${steps.replace(/^ */gm, '  ')}
`;
  return new Played(runOf(runUnder(await scenarioFrom('t.yaml', text), [strategy]), strategy));
}

const secKb = (played: Played, label: string): number => played.counter(label, 'nr_sec_page_table_pages') * 4;
const VM = `
vm create snp
gmem create g 16M
memfd create ram 16M
memfd map ram shared
vm slot 0 0 16M ram 0 g 0
vm attr 0 16M private`;

describe('gmem in folios of 2 MiB (proposed)', () => {
  it('come whole, each a tick of the interleave counter, and are mapped by one entry', async () => {
    const played = await run(`mempolicy interleave 0,2
${VM}
snapshot empty
vm touch 1M 9M
snapshot touched`);
    // Five blocks, though the range touches the first and the last in part.
    expect(played.pagesOf('touched', 'g')).toBe(5 * 512);
    expect(played.counter('touched', 'nr_file_hugepages')).toBe(5 * 512);
    expect(played.counter('touched', 'nr_unevictable')).toBe(5 * 512);
    expect(
      played
        .nodesOf('touched', 'g')
        .map((pages) => pages / 512)
        .sort((a, b) => b - a),
    ).toEqual([3, 2, 0, 0]);
    expect(secKb(played, 'touched') - secKb(played, 'empty')).toBe(8);
    const hits = (label: string): number =>
      played.snapshot(label).facts.nodes.reduce((sum, { numastat }) => sum + numastat.interleave_hit, 0);
    expect(hits('touched') - hits('empty')).toBeLessThan(60);
  });

  it('a file of an odd size has none', async () => {
    const played = await run(`gmem create g 3076K
gmem fallocate g 0 3076K
snapshot s`);
    expect(played.counter('s', 'nr_file_hugepages')).toBe(0);
    expect(played.pagesOf('s', 'g')).toBe(769);
  });

  it('a conversion of one page takes the entry, and a hole splits the folio', async () => {
    const played = await run(
      `${VM}
vm touch 0 4M
snapshot full
vm attr 0 4K shared
snapshot mixed
vm touch 4K 2044K
snapshot refaulted
gmem punch g 0 4K
snapshot hole`,
      'tdp-fault',
    );
    const rss = (label: string): number => played.rss(label)!;
    // What counts mapped pages loses 512 of them for one.
    expect(rss('full') - rss('mixed')).toBe(512);
    expect(rss('full') - rss('refaulted')).toBe(1);
    expect(secKb(played, 'refaulted') - secKb(played, 'mixed')).toBe(4);
    expect(played.counter('hole', 'nr_file_hugepages')).toBe(512);
    expect(played.pagesOf('hole', 'g')).toBe(1023);
    expect(played.findings).toEqual([]);
  });

  it.each(['page-cache', 'shadow-vma', 'alloc-charge', 'tracker', 'mempolicy-dup'])(
    'leaves nothing behind under %s',
    async (strategy) => {
      const played = await run(
        `${VM}
vm touch 0 6M
gmem punch g 1M 2M
vm touch 0 16M
gmem punch g 4K 8K
vm close
gmem close g
snapshot end`,
        strategy,
      );
      expect(played.counter('end', 'nr_file_hugepages')).toBe(0);
      expect(played.counter('end', 'nr_unevictable')).toBe(0);
      expect(played.findings).toEqual([]);
    },
  );
});
