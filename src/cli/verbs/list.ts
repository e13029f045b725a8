import type { Verb } from '../verb.ts';

export const list: Verb = {
  name: 'list',
  describe: 'List what there is',
  operand: {
    name: 'what',
    describe: 'One kind of thing',
    isRequired: false,
    isList: false,
    choices: ['scenarios', 'strategies', 'parts', 'machines', 'captures'],
  },
  options: {
    format: { type: 'string', choices: ['table', 'json'], default: 'table', describe: 'Format' },
    verbose: {
      type: 'boolean',
      default: false,
      describe: 'Strategies and parts with what they gain and cost, where they come from, and all options',
    },
  },
  example: ['gmemlab list strategies', 'The strategies and what each is made of'],
  handle: async (args) => (await import('../commands/list.ts')).listCommand(args),
};
