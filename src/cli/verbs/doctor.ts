import type { Verb } from '../verb.ts';

export const doctor: Verb = {
  name: 'doctor',
  describe: 'Check what gmemlab needs on this machine',
  options: {},
  example: ['gmemlab doctor', 'What is there, what is missing and how to get it; exit 4 if something is'],
  handle: async () => (await import('../commands/doctor.ts')).doctorCommand(),
};
