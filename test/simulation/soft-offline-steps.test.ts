import { describe, expect, it } from 'vitest';
import { play, type Played } from './play.ts';

const SCRIPT = `
vm create swprot
gmem create g 8M
vm slot 0 0 8M none 0 g 0
vm attr 0 8M private
gmem fallocate g 0 8M
vm touch 0 4M
snapshot before
soft_offline g 0 8K
soft_offline g 4M 8K
snapshot after
`;

const answers = (played: Played): string[] =>
  ['soft_offline g 0 8K', 'soft_offline g 4M 8K'].map((text) => played.step(text).message);

describe('soft offlining of private pages', () => {
  it.each([
    // On 6.12 a page that a guest uses is as clean as one that nobody touched.
    ['6.12', 'page-cache', ['ok=2', 'ok=2'], 4, 2],
    // Since 6.13 the guest's first access makes it dirty.
    ['6.18', 'page-cache', ['EBUSY=2', 'ok=2'], 2, 0],
    ['7.3', 'page-cache', ['EBUSY=2', 'ok=2'], 2, 0],
    // A dirty page moves where the design lets it; a clean one is dropped before that is asked.
    ['7.3', 'page-cache+gmem-callback', ['ok=2', 'ok=2'], 2, 0],
    ['6.12', 'shadow-vma', ['EBUSY=2', 'EBUSY=2'], 0, 0],
  ] as const)('on %s under %s', (kernel, strategy, expected, dropped, stale) => {
    const played = play(strategy, SCRIPT, { kernel });
    expect(answers(played)).toEqual(expected);
    expect(2048 - played.pagesOf('after', 'g')).toBe(dropped);
    expect(played.holding('after', 'g')?.stalePages ?? 0).toBe(stale);
  });
});
