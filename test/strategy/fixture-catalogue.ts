import type { Axis, OptionSpec, Part } from '../../src/strategy/contract.ts';
import type { Catalogue } from '../../src/strategy/plan.ts';

/** A part that does nothing. */
export function part(axis: Axis, id: string, options: Record<string, OptionSpec> = {}): Part {
  return {
    meta: {
      axis,
      id,
      title: `Title of ${id}`,
      summary: 'Gains something and costs something.',
      origin: 'what-if',
      source: 'a test',
      options,
    },
    create: () => ({}),
  };
}

const flag: OptionSpec = { type: 'boolean', default: false, description: 'a flag' };

/** Few enough parts for exact messages; `both` is an option of two parts of the strategy `twins`. */
export const FIXTURE: Catalogue = {
  parts: [
    part('placement', 'task-policy'),
    part('placement', 'fbind', { both: flag }),
    part('accounting', 'page-cache'),
    part('accounting', 'tracker', {
      oom: flag,
      show: { type: 'string', default: 'fdinfo', enum: ['fdinfo', 'procfs'], description: 'where' },
      both: flag,
    }),
    part('accounting', 'tdp-fault', {
      at: { type: 'string', default: 'tdp', enum: ['tdp', 'allocation'], description: 'when' },
      batch: { type: 'integer', default: 64, description: 'pages' },
      note: { type: 'string', default: '', description: 'free text' },
    }),
    part('migration', 'unmovable'),
    part('migration', 'gmem-callback'),
  ],
  presets: [
    { name: 'page-cache', title: 'Status quo', expression: 'task-policy+page-cache+unmovable' },
    { name: 'tracker', title: 'Tracker', expression: 'task-policy+tracker+unmovable' },
    { name: 'tdp-fault', title: 'At the fault', expression: 'task-policy+tdp-fault+unmovable' },
    {
      name: 'alloc-charge',
      title: 'At allocation',
      expression: 'task-policy+tdp-fault{at=allocation}+unmovable',
    },
    { name: 'twins', title: 'Twins', expression: 'fbind+tracker+unmovable' },
  ],
};
