import type { Verb } from '../verb.ts';
import { INPUT_OPTIONS } from './shared-options.ts';

export const validate: Verb = {
  name: 'validate',
  describe: 'Check scenario, machine and strategy files without running anything',
  operand: {
    name: 'file',
    describe: 'A scenario or machine (.yaml, .yml, .json) or a strategy file (.js, .mjs)',
    isRequired: true,
    isList: true,
  },
  options: INPUT_OPTIONS,
  example: [
    'gmemlab validate my-guest.yaml',
    'All problems at once, with line and column; exit 2 if there are any',
  ],
  handle: async (args) => (await import('../commands/validate.ts')).validateCommand(args),
};
