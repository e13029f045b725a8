import { describe, expect, it } from 'vitest';
import { hint } from '../../src/scenario/suggest.ts';
import { closestName } from '../../src/units/closest-name.ts';

describe('a suggestion', () => {
  it.each([
    ['snapsot', 'snapshot'],
    ['SNAPSHOT', 'snapshot'],
    ['tuoch', 'touch'],
    ['exti', 'exit'],
    ['frobnicate', undefined],
    ['w1', undefined],
    ['', undefined],
  ])('for "%s" is %s', (word, expected) => {
    expect(closestName(word, ['snapshot', 'touch', 'exit', 'w0'])).toBe(expected);
  });

  it('is followed by all choices', () => {
    expect(hint('exti', ['exit', 'fork'])).toBe('did you mean "exit"? One of exit, fork');
    expect(hint('zzz', ['exit', 'fork'])).toBe('one of exit, fork');
  });
});
