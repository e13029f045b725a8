import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkHooks } from '../../src/strategy/check-hooks.ts';
import { checkPart } from '../../src/strategy/check-part.ts';
import { AXES, type KernelView, type Options, type Part } from '../../src/strategy/contract.ts';
import { parseStrategy, STATUS_QUO } from '../../src/strategy/parse-strategy.ts';
import { CATALOGUE } from '../../strategies/index.ts';

const ROOT = new URL('../../strategies/', import.meta.url);
const FILES = AXES.flatMap((axis) => readdirSync(new URL(axis, ROOT)).map((name) => ({ axis, name })));
const VIEW = new Proxy({} as KernelView, {
  get: (_, name) => (name === 'nodeCount' ? 4 : name === 'kernel' ? '7.3' : () => 0),
});

const defaults = ({ meta }: Part): Options =>
  Object.fromEntries(Object.entries(meta.options).map(([key, spec]) => [key, spec.default]));

describe('every file under strategies/<axis>', () => {
  it.each(FILES)('$axis/$name is in the catalogue under its own name and axis', async ({ axis, name }) => {
    const id = basename(name, '.ts');
    const listed = CATALOGUE.parts.find(({ meta }) => meta.id === id);
    expect(listed?.meta.axis).toBe(axis);
    const { default: own } = (await import(new URL(`${axis}/${name}`, ROOT).href)) as { default: Part };
    expect(own.meta.id).toBe(id);
    // The catalogue may add options that all parts of an axis share, and changes nothing else.
    const options: unknown = expect.objectContaining(own.meta.options);
    expect(listed?.meta).toEqual({ ...own.meta, options });
  });

  it('is all there is in the catalogue', () => {
    expect(CATALOGUE.parts.map(({ meta }) => `${meta.axis}/${meta.id}.ts`).sort()).toEqual(
      FILES.map(({ axis, name }) => `${axis}/${name}`).sort(),
    );
  });
});

describe.each(CATALOGUE.parts.map((part) => ({ id: part.meta.id, part })))('part $id', ({ id, part }) => {
  it('is complete', () => {
    const checked = checkPart(part, id);
    expect('problems' in checked ? checked.problems : []).toEqual([]);
    expect(part.meta.summary).toMatch(/\S.*\.$/);
  });

  it('makes hooks that the engine calls, with all default options and each other choice', () => {
    const base = defaults(part);
    const others = Object.entries(part.meta.options).flatMap(([key, { type, enum: choices }]) =>
      (choices ?? (type === 'boolean' ? [true, false] : [])).map((value) => ({ ...base, [key]: value })),
    );
    for (const options of [base, ...others]) expect(checkHooks(part.create(VIEW, options))).toEqual([]);
  });

  it('keeps its state to itself: two worlds never share hooks', () => {
    const [one, two] = [part.create(VIEW, defaults(part)), part.create(VIEW, defaults(part))];
    expect(one).not.toBe(two);
  });
});

describe('the named strategies', () => {
  it('are the ones that must exist', () => {
    const names = CATALOGUE.presets.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        'page-cache',
        'shadow-vma',
        'tdp-fault',
        'alloc-charge',
        'tracker',
        'fbind',
        'mempolicy-dup',
        'upstream',
      ]),
    );
    expect(new Set(names).size).toBe(names.length);
  });

  it.each([...CATALOGUE.presets])(
    '$name names a part of each axis, and is what its parts are called',
    (preset) => {
      for (const written of [preset.name, preset.expression]) {
        const parsed = parseStrategy(written, CATALOGUE);
        expect(parsed).toMatchObject({ plan: { name: preset.name, title: preset.title } });
        if ('plan' in parsed) expect(parsed.plan.parts.map(({ part }) => part.meta.axis)).toEqual(AXES);
      }
      expect(preset.expression.split('+')).toHaveLength(AXES.length);
    },
  );

  it('stand on a status quo that exists', () => {
    for (const axis of AXES) {
      const part = CATALOGUE.parts.find(({ meta }) => meta.id === STATUS_QUO[axis]);
      expect(part?.meta).toMatchObject({ axis, origin: 'mainline' });
    }
  });
});
