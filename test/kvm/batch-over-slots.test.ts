import { describe, expect, it } from 'vitest';
import { play } from '../simulation/play.ts';

describe('random touches over two slots of one file', () => {
  const run = play(
    'tdp-fault',
    `
vm create snp
memfd create ram 16M
memfd map ram shared
gmem create g 16M
vm slot 0 0 8M ram 0 g 0
vm slot 1 8M 8M ram 8M g 8M
vm attr 0 16M private
snapshot base
vm touch 0 16M random=3000 seed=1
snapshot touched
vm unslot 0
snapshot first-gone
vm unslot 1
snapshot both-gone
`,
  );

  it('are mapped, counted and taken back slot by slot', () => {
    const rss = (label: string): number =>
      run.process(label, 'w0')!.rssFilePages - run.process('base', 'w0')!.rssFilePages;
    expect([rss('touched'), rss('both-gone')]).toEqual([3000, 0]);
    // Both slots had a share, and neither took the other's back.
    expect(rss('first-gone')).toBeGreaterThan(1000);
    expect(rss('first-gone')).toBeLessThan(2000);
    expect(run.pagesOf('both-gone', 'g')).toBe(3000);
  });
});
