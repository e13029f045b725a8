import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endWords } from '../../src/charts/end-words.ts';

describe('words at the ends of lines', () => {
  it('are shared by lines that end alike', () => {
    const ends = [
      { name: 'truth', kb: 2048 },
      { name: 'RSS', kb: 4 },
      { name: 'memcg', kb: 2048 },
    ];
    expect(endWords(ends, 100)).toEqual([
      { text: 'truth, memcg: 2.0 MiB', kb: 2048 },
      { text: 'RSS: 4 kB', kb: 4 },
    ]);
  });

  it('say so when a line has no value at the end', () => {
    const ends = [
      { name: 'truth', kb: 0 },
      { name: 'RSS', kb: null },
    ];
    expect(endWords(ends, 10).map((word) => word.text)).toEqual(['truth: 0 kB', 'RSS: no answer']);
  });

  it('never touch, stay in order, and name every line once', () => {
    const size = fc.option(fc.integer({ min: 0, max: 5000 }));
    fc.assert(
      fc.property(fc.array(size, { maxLength: 8 }), fc.integer({ min: 1, max: 900 }), (sizes, lineKb) => {
        const words = endWords(
          sizes.map((kb, at) => ({ name: `line${at}`, kb })),
          lineKb,
        );
        words.slice(1).forEach((word, at) => {
          expect(words[at]!.kb - word.kb).toBeGreaterThanOrEqual(lineKb * 0.99);
        });
        const names = words.flatMap((word) => word.text.split(': ')[0]!.split(', '));
        expect(names.sort()).toEqual(sizes.map((_, at) => `line${at}`));
      }),
    );
  });
});
