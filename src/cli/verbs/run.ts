import type { Verb } from '../verb.ts';
import { RUN_OPTIONS, SCENARIO_WORDS } from './shared-options.ts';

export const run: Verb = {
  name: 'run',
  describe: 'Run scenarios under strategies and write reports',
  operand: { name: 'scenario', describe: SCENARIO_WORDS, isRequired: true, isList: true },
  options: {
    ...RUN_OPTIONS,
    out: { type: 'string', describe: 'Directory of the report. Default: reports/SCENARIO' },
    charts: { type: 'boolean', default: true, describe: 'Draw charts; --no-charts is faster' },
    png: {
      type: 'boolean',
      describe:
        'Draw the charts as PNG too. Default: when one scenario runs; of many it takes most of the time',
    },
    format: {
      type: 'string',
      choices: ['table', 'json', 'csv', 'md'],
      default: 'table',
      describe: 'Comparison on the standard output',
    },
  },
  example: [
    'gmemlab run talk-snp-40g --strategy fbind+tracker',
    'Write reports/talk-snp-40g and print who sees the private memory',
  ],
  handle: async (args) => (await import('../commands/run.ts')).runCommand(args),
};
