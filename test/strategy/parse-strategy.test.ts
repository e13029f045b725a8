import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AXES } from '../../src/strategy/contract.ts';
import { parseStrategy } from '../../src/strategy/parse-strategy.ts';
import type { Catalogue, StrategyPlan } from '../../src/strategy/plan.ts';
import { CATALOGUE } from '../../strategies/index.ts';
import { FIXTURE } from './fixture-catalogue.ts';

function plan(expression: string, catalogue: Catalogue = FIXTURE): StrategyPlan {
  const parsed = parseStrategy(expression, catalogue);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed.plan;
}

function problem(expression: string): string {
  const parsed = parseStrategy(expression, FIXTURE);
  return 'problem' in parsed ? parsed.problem : `no problem: ${parsed.plan.name}`;
}

const shape = ({ parts }: StrategyPlan): [string, unknown][] =>
  parts.map(({ part, options }) => [part.meta.id, options]);

describe('a strategy expression', () => {
  it('of one name is the strategy of that name, with the defaults of its parts', () => {
    expect(shape(plan('alloc-charge'))).toEqual([
      ['task-policy', {}],
      ['tdp-fault', { at: 'allocation', batch: 64, note: '' }],
      ['unmovable', {}],
    ]);
    expect(plan('alloc-charge')).toMatchObject({ name: 'alloc-charge', title: 'At allocation' });
  });

  it('of one name that no strategy has is a part, on the status quo', () => {
    expect(plan('gmem-callback')).toMatchObject({
      name: 'task-policy+page-cache+gmem-callback',
      title: 'Title of task-policy + Title of page-cache + Title of gmem-callback',
    });
  });

  it('of parts takes them in any order, with their options', () => {
    expect(plan(' gmem-callback + tracker { oom = true , show = procfs } + fbind ').name).toBe(
      'fbind+tracker{oom=true,show=procfs}+gmem-callback',
    );
    expect(shape(plan('tdp-fault{batch=-3,note=a+b}+fbind'))[1]).toEqual([
      'tdp-fault',
      { at: 'tdp', batch: -3, note: 'a+b' },
    ]);
  });

  it('sets options of a strategy in the part that has them, its namesake first', () => {
    expect(shape(plan('alloc-charge{batch=1}'))[1]).toEqual([
      'tdp-fault',
      { at: 'allocation', batch: 1, note: '' },
    ]);
    expect(shape(plan('tracker{both=true}'))[1]).toMatchObject(['tracker', { both: true }]);
  });

  it('has one name, however it is written', () => {
    for (const [written, name] of [
      ['task-policy+page-cache+unmovable', 'page-cache'],
      ['tracker+task-policy', 'tracker'],
      ['tracker{oom=false}', 'tracker'],
      ['tracker{}', 'tracker'],
      ['tracker{oom=true}+unmovable', 'tracker{oom=true}'],
      ['alloc-charge{at=tdp}', 'tdp-fault'],
      ['tdp-fault{at=allocation,batch=2}', 'alloc-charge{batch=2}'],
      // `twins{both=true}` would not say whose option it is.
      ['fbind{both=true}+tracker', 'fbind{both=true}+tracker+unmovable'],
    ] as const) {
      expect(plan(written).name).toBe(name);
    }
  });

  it('says what is wrong with it and what would be right', () => {
    const parts =
      'placement: task-policy, fbind; accounting: page-cache, tracker, tdp-fault; migration: unmovable, gmem-callback';
    for (const [written, words] of [
      ['', 'a name is missing; write NAME or NAME+NAME{option=value,...}'],
      ['fbind+', 'a name is missing; write NAME or NAME+NAME{option=value,...}'],
      ['tracker{oom=true', 'braces do not match in "tracker{oom=true"; write NAME{option=value,...}'],
      ['tracker{oom=true}x', 'braces do not match in "tracker{oom=true}x"; write NAME{option=value,...}'],
      [
        'trakcer',
        'no strategy or part is called "trakcer"; did you mean "tracker"? ' +
          `(strategies: page-cache, tracker, tdp-fault, alloc-charge, twins; ${parts})`,
      ],
      ['fbind+zzz', `no part is called "zzz" (${parts})`],
      [
        'fbind+alloc-charge',
        '"alloc-charge" is a whole strategy, which + can\'t join; its parts are task-policy+tdp-fault{at=allocation}+unmovable',
      ],
      ['tracker+tdp-fault', 'tracker and tdp-fault are both accounting parts; name one of an axis'],
      ['tracker+tracker', 'tracker and tracker are both accounting parts; name one of an axis'],
      ['tracker{omo=true}', 'tracker has no option "omo"; did you mean "oom"? (options: oom, show, both)'],
      ['fbind+unmovable{x=1}', 'unmovable has no option "x" (unmovable has no options)'],
      ['fbind+tracker{oom=yes}', 'option "oom" of tracker is "yes", must be true or false'],
      ['tracker{show=Procfs}', 'option "show" of tracker is "Procfs", must be one of fdinfo, procfs'],
      ['tdp-fault{batch=1.5}', 'option "batch" of tdp-fault is "1.5", must be a whole number'],
      ['tracker{oom=true,oom=true}', 'option "oom" of tracker is given twice'],
      ['tracker{oom}', '"oom" in tracker{...} is no option; write option=value'],
      ['twins{both=true}', 'option "both" of twins may mean fbind or tracker; write the parts, joined by +'],
      ['tracker{toString=1}', 'tracker has no option "toString" (options: oom, show, both)'],
    ] as const) {
      expect(problem(written)).toBe(`strategy "${written}": ${words}`);
    }
  });
});

describe('the name of any combination', () => {
  const values = ({ type, enum: choices }: { type: string; enum?: readonly unknown[] }): unknown[] =>
    choices ? [...choices] : type === 'boolean' ? [true, false] : type === 'integer' ? [0, 7] : ['', 'x y'];
  const anyPlan = (catalogue: Catalogue): fc.Arbitrary<string> =>
    fc
      .tuple(
        ...AXES.map((axis) =>
          fc.constantFrom(...catalogue.parts.filter(({ meta }) => meta.axis === axis)).chain(({ meta }) =>
            fc
              .tuple(...Object.values(meta.options).map((spec) => fc.constantFrom(...values(spec))))
              .map((chosen) => {
                const options = Object.keys(meta.options).map((key, at) => `${key}=${String(chosen[at])}`);
                return `${meta.id}{${options.join(',')}}`;
              }),
          ),
        ),
      )
      .map((parts) => parts.join('+'));

  for (const [title, catalogue] of [
    ['made up', FIXTURE],
    ['real', CATALOGUE],
  ] as const) {
    it(`leads back to it in the ${title} catalogue`, () => {
      fc.assert(
        fc.property(anyPlan(catalogue), (expression) => {
          const first = plan(expression, catalogue);
          const again = plan(first.name, catalogue);
          expect(shape(again)).toEqual(shape(first));
          expect(again.name).toBe(first.name);
        }),
      );
    });
  }
});
