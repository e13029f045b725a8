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
  },
  example: ['gmemlab list strategies', 'The strategies and what each is made of'],
  handle: async (args) => (await import('../commands/list.ts')).listCommand(args),
};
