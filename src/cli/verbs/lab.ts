import type { Verb } from '../verb.ts';

export const lab: Verb = {
  name: 'lab',
  describe: 'Run scenarios on a real kernel under QEMU, and store captures that conform reads',
  operand: {
    name: 'scenario',
    describe: 'A scenario file, a bare script (.steps), or a name of `gmemlab list scenarios`',
    isRequired: false,
    isList: true,
  },
  options: {
    kernel: {
      type: 'string',
      describe:
        "Profile (6.12), release, or path of a kernel. Default: the scenario's version, or the newest",
    },
    kernels: {
      type: 'string',
      describe: 'Directory with extracted kernel packages; also GMEMLAB_KERNELS, ~/.cache/gmemlab/kernels',
    },
    machine: {
      type: 'string',
      describe: 'Machine of a bare script (.steps) or of --random: a name or a file. Default: rig-4node',
    },
    out: { type: 'string', default: 'captures', describe: 'Directory for OUT/RELEASE/SCENARIO' },
    'time-limit': { type: 'string', default: '600', describe: 'Seconds that one guest may take in all' },
    keep: { type: 'boolean', describe: "Keep the guest's console and kernel log beside the capture" },
    random: {
      type: 'string',
      describe: 'Seed: make random scenarios, run them on the kernel and the model, shrink what differs',
    },
    count: { type: 'string', default: '10', describe: 'Number of random scenarios' },
  },
  example: ['gmemlab lab my.steps --kernel 6.12', 'Boot Linux 6.12, run the script, store a capture'],
  handle: async (args) => (await import('../commands/lab.ts')).labCommand(args),
};
