import { describe, expect, it } from 'vitest';
import { checkPart } from '../../src/strategy/check-part.ts';
import { HOOK_NAMES } from '../../src/strategy/check-hooks.ts';
import type { KernelView, Part } from '../../src/strategy/contract.ts';
import { part } from './fixture-catalogue.ts';

const problems = (value: unknown): string[] => {
  const checked = checkPart(value, 'mine.js');
  return 'problems' in checked ? checked.problems : [];
};
const sound = part('accounting', 'mine', { oom: { type: 'boolean', default: false, description: 'a flag' } });
const withMeta = (change: object): unknown => ({ ...sound, meta: { ...sound.meta, ...change } });
const withOption = (spec: unknown): unknown => withMeta({ options: { oom: spec } });

describe('a part from a file', () => {
  it('passes when it is sound', () => {
    const checked = checkPart(sound, 'mine.js');
    expect('part' in checked && checked.part.meta).toBe(sound.meta);
  });

  it.each([
    [undefined, 'mine.js: default export: must be a part { meta, create }, is undefined'],
    [[], 'mine.js: default export: must be a part { meta, create }, is a list'],
    [{ create: () => ({}) }, 'mine.js: meta: must be an object, is undefined'],
    [{ meta: sound.meta }, 'mine.js: create: must be a function (view, options) => hooks, is undefined'],
    [{ ...sound, creat: 1 }, 'mine.js: creat: unknown; did you mean "create"? (meta, create)'],
    [
      withMeta({ axis: 'placment' }),
      'mine.js: meta.axis: must be one of placement, accounting, migration, is "placment"',
    ],
    [withMeta({ id: 'My Part' }), 'mine.js: meta.id: must be lower-case words joined by "-", is "My Part"'],
    [withMeta({ title: ' ' }), 'mine.js: meta.title: must be a text, is " "'],
    [withMeta({ source: 7 }), 'mine.js: meta.source: must be a text, is 7'],
    [withMeta({ origin: null }), 'mine.js: meta.origin: must be one of mainline, proposed, what-if, is null'],
    [
      withMeta({ mainlineIn: '7.3' }),
      'mine.js: meta.mainlineIn: must be a list of kernel versions, is "7.3"',
    ],
    [withMeta({ options: undefined }), 'mine.js: meta.options: must be an object, is undefined; {} for none'],
    [
      withMeta({ autor: 'x' }),
      'mine.js: meta.autor: unknown (axis, id, title, summary, origin, mainlineIn, source, options)',
    ],
    [
      withOption(true),
      'mine.js: meta.options.oom: must be an object { type, default, description }, is true',
    ],
    [
      withOption({ type: 'number', default: 1, description: 'x' }),
      'mine.js: meta.options.oom.type: must be one of boolean, integer, string, is "number"',
    ],
    [
      withOption({ type: 'boolean', default: 'no', description: 'x' }),
      'mine.js: meta.options.oom.default: must be true or false, is "no"',
    ],
    [
      withOption({ type: 'string', default: 'c', enum: ['a', 'b'], description: 'x' }),
      'mine.js: meta.options.oom.default: must be one of a, b, is "c"',
    ],
    [
      withOption({ type: 'integer', default: 1, enum: [1, 'b'], description: 'x' }),
      'mine.js: meta.options.oom.enum: must be a list of values, each a whole number',
    ],
    [
      withOption({ type: 'boolean', default: true }),
      'mine.js: meta.options.oom.description: must be a text, is undefined',
    ],
  ])('names file and field: %#', (value, message) => {
    expect(problems(value)).toEqual([message]);
  });

  it('reports everything at once', () => {
    expect(problems({ meta: { axis: 'x', id: '', options: {} } })).toHaveLength(7);
  });

  const hooksOf = (hooks: unknown): unknown => {
    const checked = checkPart({ ...sound, create: () => hooks } as Part, 'mine.js');
    if ('problems' in checked) throw new Error(checked.problems.join());
    return checked.part.create({} as KernelView, {});
  };

  it('may return any hook, and no other thing', () => {
    const hooks = Object.fromEntries(HOOK_NAMES.map((name) => [name, () => 0]));
    expect(hooksOf(hooks)).toBe(hooks);
    expect(() => hooksOf({ folioAlocated: () => 0 })).toThrow(
      'create() returned "folioAlocated", which is no hook; did you mean "folioAllocated"?',
    );
    expect(() => hooksOf({ exiting: true })).toThrow(
      'create() returned true as hook "exiting", must be a function',
    );
    expect(() => hooksOf(Promise.resolve({}))).toThrow(
      'must return a plain object of hooks, returned an object',
    );
    expect(() => hooksOf(undefined)).toThrow('must return a plain object of hooks, returned undefined');
  });
});
