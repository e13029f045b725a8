import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorText, inUnit, sizeText, sizeUnit } from '../../src/charts/size-text.ts';
import { inkOn, PALETTE } from '../../src/charts/theme.ts';

describe('sizes in words', () => {
  it.each([
    [85_332, '83.3 MiB'],
    [42_028_372, '40.1 GiB'],
    [12, '12 kB'],
    [0, '0 kB'],
    [-41_943_040, '−40.0 GiB'],
    [40 * 1024 ** 3, '40.0 TiB'],
  ])('%i kB is %s', (kb, text) => {
    expect(sizeText(kb)).toBe(text);
  });

  it('gives differences a sign, and none to no difference', () => {
    expect([errorText(0), errorText(4), errorText(-4)]).toEqual(['exact', '+4 kB', '−4 kB']);
  });

  it('keeps the number below one step of the next unit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 50 }), (kb) => {
        const unit = sizeUnit(kb);
        expect(kb / unit.kb).toBeGreaterThanOrEqual(1);
        expect(sizeText(kb)).toBe(`${inUnit(kb, unit)} ${unit.name}`);
        if (unit.name !== 'TiB') expect(kb / unit.kb).toBeLessThan(1024);
      }),
    );
  });
});

describe('ink on fills', () => {
  const light = (fill: string): number => {
    const [r, g, b] = [1, 3, 5].map((at) => {
      const part = Number.parseInt(fill.slice(at, at + 2), 16) / 255;
      return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const contrast = (a: string, b: string): number => {
    const [low, high] = [light(a), light(b)].sort((x, y) => x - y);
    return (high! + 0.05) / (low! + 0.05);
  };

  it('all leave words readable', () => {
    const colours = PALETTE;
    for (const fill of [...colours.nodes, ...colours.diverging, colours.unseen, colours.noAnswer]) {
      expect(contrast(fill, inkOn(fill))).toBeGreaterThanOrEqual(4.5);
    }
    expect(contrast(colours.ink, colours.noAnswer)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(colours.softInk, colours.paper)).toBeGreaterThanOrEqual(4.5);
  });
});
