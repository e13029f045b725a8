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
vm slot 1 1G 8M ram 8M g 8M
vm attr 0 8M private
vm attr 1G 8M private
snapshot base
vm touch 0 8M random=2048 seed=1
vm touch 1G 8M random=1000 seed=2
snapshot touched
vm unslot 0
snapshot first-gone
`,
  );

  it('are mapped, counted and taken back slot by slot', () => {
    const rss = (label: string): number =>
      run.process(label, 'w0')!.rssFilePages - run.process('base', 'w0')!.rssFilePages;
    expect([rss('touched'), rss('first-gone')]).toEqual([3048, 1000]);
    expect(run.pagesOf('first-gone', 'g')).toBe(3048);
  });
});
