import { describe, expect, it } from 'vitest';
import { formatProblems } from '../../src/scenario/format-problems.ts';
import type { Problem } from '../../src/scenario/types.ts';

const at = (line: number, column: number, file: string = 'a.yaml'): Problem => ({
  file,
  line,
  column,
  message: 'is wrong',
  reason: 'step',
});

describe('problems are printed', () => {
  it('with the line and a caret below the place', () => {
    const texts = { 'a.yaml': 'x: 1\r\n\tnodes: 9\r\n' };
    expect(formatProblems([at(1, 4), at(2, 9)], texts)).toBe(
      [
        'a.yaml:1:4: is wrong',
        '     1 | x: 1',
        '       |    ^',
        'a.yaml:2:9: is wrong',
        '     2 | \tnodes: 9',
        '       | \t       ^',
        '',
      ].join('\n'),
    );
  });

  it('without a quotation where there is nothing to quote', () => {
    const texts = { 'a.yaml': '\n' };
    expect(formatProblems([at(1, 1), at(7, 1), at(1, 1, 'b')], texts)).toBe(
      'a.yaml:1:1: is wrong\na.yaml:7:1: is wrong\nb:1:1: is wrong\n',
    );
  });

  it('with the part of a long line around the place', () => {
    const texts = { 'a.yaml': `${'-'.repeat(150)}X${'-'.repeat(150)}` };
    const [, quoted, caret] = formatProblems([at(1, 151)], texts).split('\n');
    expect(quoted).toMatch(/^ {5}1 \| …-{50}X-{49}…$|^ {5}1 \| …-{49}X-{50}…$/);
    expect(caret!.indexOf('^')).toBe(quoted!.indexOf('X'));
  });
});
