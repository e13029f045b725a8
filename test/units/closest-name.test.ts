import { describe, expect, it } from 'vitest';
import { closestName, didYouMean } from '../../src/units/closest-name.ts';

const NAMES = ['page-cache', 'shadow-vma', 'tracker', 'fbind', 'run'];

describe('the closest name', () => {
  it.each([
    ['trakcer', 'tracker'],
    ['Tracker', 'tracker'],
    ['page-cash', 'page-cache'],
    ['bind', 'fbind'],
    ['rnu', 'run'],
    ['shadowvma', 'shadow-vma'],
  ])('to %s is %s', (word, name) => {
    expect(closestName(word, NAMES)).toBe(name);
    expect(didYouMean(word, NAMES)).toBe(`; did you mean "${name}"?`);
  });

  it.each(['zzz', 'cache', 'x', ''])('to %s is none', (word) => {
    expect(closestName(word, NAMES)).toBeUndefined();
    expect(didYouMean(word, NAMES)).toBe('');
  });

  it('is the nearer of two', () => {
    expect(closestName('kernal', ['kernels', 'kernel'])).toBe('kernel');
  });
});
