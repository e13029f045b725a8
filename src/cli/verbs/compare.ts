import type { Verb } from '../verb.ts';
import { RUN_OPTIONS, SCENARIO_WORDS } from './shared-options.ts';

export const compare: Verb = {
  name: 'compare',
  describe: 'Compare strategies side by side, or with a baseline (for CI)',
  operand: { name: 'scenario', describe: SCENARIO_WORDS, isRequired: true, isList: true },
  options: {
    ...RUN_OPTIONS,
    format: {
      type: 'string',
      choices: ['table', 'json', 'csv', 'md'],
      default: 'table',
      describe: 'Comparison on the standard output',
    },
    nodes: { type: 'boolean', describe: 'Every interface node by node (table, md)' },
    scorecard: { type: 'boolean', describe: 'Requirements voiced upstream, judged by the run (table, md)' },
    exact: { type: 'boolean', describe: 'Whole kB instead of rounded sizes (table)' },
    reference: { type: 'string', describe: 'Strategy that differences are against' },
    baseline: { type: 'string', describe: 'File of exact values; any difference is a finding' },
    'update-baseline': { type: 'boolean', describe: 'Write the baseline instead of comparing with it' },
  },
  example: [
    'gmemlab compare talk-snp-40g --baseline 40g.baseline',
    'Print the table; exit 1 and list what changed if any value is not as in the baseline',
  ],
  handle: async (args) => (await import('../commands/compare.ts')).compareCommand(args),
};
