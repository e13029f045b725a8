import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { formatSize, parseSize } from '../../src/units/pages.ts';
import { formatList, parseList } from '../../src/units/nodelist.ts';

describe('sizes', () => {
  it('reads the units of the step language', () => {
    expect(parseSize('40G')).toBe(40 * 2 ** 30);
    expect(parseSize('3p')).toBe(12288);
    expect(parseSize('2172.80M')).toBe(Math.round(2172.8 * 2 ** 20));
    expect(parseSize('0x1000')).toBe(4096);
    expect(parseSize('64MiB')).toBe(64 * 2 ** 20);
  });
  it('refuses what is no size', () => {
    for (const text of ['', '12Q', 'M', '-4K', '1e3', '4 4K']) expect(parseSize(text)).toBeUndefined();
  });
  it('reads back what it prints', () => {
    fc.assert(fc.property(fc.nat(2 ** 31), (n) => parseSize(formatSize(n * 64)) === n * 64));
  });
});

describe('Linux lists', () => {
  it('prints ranges and single numbers', () => expect(formatList([0, 1, 3])).toBe('0-1,3'));
  it('reads back what it prints', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(300)), (numbers) => {
        const sorted = [...numbers].sort((a, b) => a - b);
        expect(parseList(formatList(sorted))).toEqual(sorted);
      }),
    );
  });
  it('refuses what is no list', () => {
    for (const text of ['a', '3-1', '1,,2', '-1']) expect(parseList(text)).toBeUndefined();
  });
});
