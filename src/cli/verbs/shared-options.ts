import type { Options } from 'yargs';

/** Options of the verbs that read scenarios. */
export const INPUT_OPTIONS: Readonly<Record<string, Options>> = {
  'strategy-file': {
    type: 'string',
    array: true,
    nargs: 1,
    describe: 'A JavaScript module whose default export is a part of your own; repeatable',
  },
  machine: { type: 'string', describe: 'Machine of a bare script (.steps): a name or a file' },
};

/** Options of the verbs that run scenarios. */
export const RUN_OPTIONS: Readonly<Record<string, Options>> = {
  strategy: {
    type: 'string',
    array: true,
    nargs: 1,
    describe: "A strategy, or parts joined by +; repeatable. Default: the scenario's, or all",
  },
  ...INPUT_OPTIONS,
  kernel: {
    type: 'string',
    choices: ['6.12', '6.18', '7.3'],
    describe: "Kernel version instead of the scenario's",
  },
  seed: { type: 'string', describe: "Seed instead of the scenario's: a whole number" },
};

/** What a scenario may be called. */
export const SCENARIO_WORDS = 'A scenario file, or a name of `gmemlab list scenarios`';
