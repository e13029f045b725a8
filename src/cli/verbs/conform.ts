import type { Verb } from '../verb.ts';

export const conform: Verb = {
  name: 'conform',
  describe: 'Check the model against captures of real kernels, field by field',
  operand: {
    name: 'capture',
    describe: 'A directory with captures. Default: all that gmemlab brings along',
    isRequired: false,
    isList: true,
  },
  options: {
    format: {
      type: 'string',
      choices: ['table', 'json', 'md', 'junit'],
      default: 'table',
      describe: 'Report on the standard output',
    },
    out: {
      type: 'string',
      describe: 'Directory for report.html, report.md and conformance.json',
    },
  },
  example: ['gmemlab conform', 'Compare with all captures; exit 1 if any field is off'],
  handle: async (args) => (await import('../commands/conform.ts')).conformCommand(args),
};
