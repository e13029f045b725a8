import { describe, expect, it } from 'vitest';
import { parseExpected } from '../../src/expect/expected-value.ts';

describe('an expected value', () => {
  it.each([
    ['40G', 'bytes', 40 * 2 ** 30, 0],
    [0, 'bytes', 0, 0],
    ['-8G', 'bytes', -8 * 2 ** 30, 0],
    ['20G +-2p', 'bytes', 20 * 2 ** 30, 8192],
    ['20M+-4K', 'bytes', 20 * 2 ** 20, 4096],
    ['100M +-1%', 'bytes', 100 * 2 ** 20, 2 ** 20],
    ['-100M +-0.5%', 'bytes', -100 * 2 ** 20, 2 ** 19],
    ['none', 'bytes', null, 0],
    [666, 'count', 666, 0],
    ['666 +-3', 'count', 666, 3],
    ['none', 'count', null, 0],
    ['present', 'presence', 'present', 0],
    ['absent', 'presence', 'absent', 0],
    [2, 'presence', 2, 0],
    [0, 'errno', '0', 0],
    ['-ENOMEM', 'errno', '-ENOMEM', 0],
    ['vmm', 'name', 'vmm', 0],
    ['none', 'name', null, 0],
  ] as const)('%j in %s', (source, unit, expected, tolerance) => {
    expect(parseExpected(source, unit)).toEqual({ unit, expected, tolerance });
  });

  it.each([
    ['40X', 'bytes'],
    ['', 'bytes'],
    ['20G +-', 'bytes'],
    ['20G +-two', 'bytes'],
    ['20G +-1%%', 'bytes'],
    ['--8G', 'bytes'],
    [1.5, 'count'],
    ['4K', 'count'],
    ['666 +-1p', 'count'],
    ['none', 'presence'],
    ['often', 'presence'],
    ['ENOMEM', 'errno'],
    ['-EWHAT', 'errno'],
    [1, 'errno'],
    ['', 'name'],
  ] as const)('%j is none in %s', (source, unit) => {
    expect(parseExpected(source, unit)).toContain(`"${source}" is no value here: `);
  });
});
