import type { FieldClassName } from './field-class.ts';

/** Fields that are not compared, and why. */
export interface OutOfScope {
  fieldClass: FieldClassName;
  /** The fields in words. */
  fields: string;
  reason: string;
  /** Field names; null where the comparison leaves them out by its construction. */
  names: RegExp | null;
}

/** The whole list; it is printed with every result. */
export const OUT_OF_SCOPE: readonly OutOfScope[] = [
  {
    fieldClass: 'step results',
    fields: 'return values of fork, spawn and reap',
    reason: 'pids; whether the call failed is compared',
    names: /^(fork|spawn|reap) ret$/,
  },
  {
    fieldClass: 'step results',
    fields:
      'addr=, st_mode=, st_dev=, st_ino= and st_nlink= of messages, rip=, rdi=, rcx= of guest registers, mf.flags=',
    reason:
      'where address-space randomisation, mount order and the test guest decide; addresses are input of the model',
    names: /^message (addr|st_mode|st_dev|st_ino|st_nlink|rip|rdi|rcx|mf\.flags)$/,
  },
  {
    fieldClass: 'step results',
    fields: 'VM_TYPES= of "vm cap"',
    reason: 'how the kernel and the test CPU were configured, not what the kernel does',
    names: /^message VM_TYPES$/,
  },
  {
    fieldClass: 'step results',
    fields: 'return values and messages of offline, online and offline_node',
    reason: 'which blocks hold what boot left there; how many went offline is compared as an outcome',
    names: null,
  },
  {
    fieldClass: 'step results',
    fields: 'exec, save, dmesg and mount',
    reason: 'tools of the test machine, whose outcome shows in the snapshots',
    names: /^(exec|save|dmesg|mount) /,
  },
  {
    fieldClass: 'maps',
    fields: 'inode numbers, in smaps headers too',
    reason: 'counters that every file of the booting kernel has advanced',
    names: null,
  },
  {
    fieldClass: 'smaps',
    fields: 'VmFlags "sd" where no mapping of the kernel has it',
    reason: 'a kernel built without soft-dirty bits; a kernel profile is not a configuration',
    names: null,
  },
  {
    fieldClass: 'smaps',
    fields:
      "lines of the worker program's own mappings (numa_maps and maps too), the run area of a vCPU among them",
    reason:
      'no step made them; their sums are taken from the totals of the same snapshot, and the policy they show is compared',
    names: null,
  },
  {
    fieldClass: 'smaps_rollup',
    fields: 'the address range of the header',
    reason: "first and last mapping are the worker program's own",
    names: null,
  },
  {
    fieldClass: 'status',
    fields: 'lines other than Vm*, Rss* and HugetlbPages',
    reason: 'identity, signals and masks say nothing about memory',
    names: null,
  },
  {
    fieldClass: 'meminfo',
    fields: 'VmallocUsed, Percpu, DirectMap*',
    reason: "the kernel's own mappings and per-CPU areas, which no process or file owns",
    names: /^(VmallocUsed|Percpu|DirectMap\w+)$/,
  },
  {
    fieldClass: 'memory.stat',
    fields: 'slab_reclaimable apart from slab_unreclaimable where SReclaimable is 0 (memory.numa_stat too)',
    reason: 'a kernel built with SLUB_TINY, which tells no two kinds apart; their sum is compared',
    names: null,
  },
  {
    fieldClass: 'memory.stat',
    fields: 'pgfault, pgmajfault',
    reason: "events that count every fault of the worker program's own pages as well",
    names: /^(pgfault|pgmajfault)$/,
  },
  {
    fieldClass: 'memory.stat',
    fields: 'pgrefill, pgactivate, pgdeactivate (memory.numa_stat too)',
    reason:
      'how often the lists were aged and what a scan met on the way; what was taken in the end is compared',
    names: /^(pgrefill|pgactivate|pgdeactivate)$/,
  },
  {
    fieldClass: 'memory.numa_stat',
    fields: 'pgrefill',
    reason: 'as in memory.stat',
    names: /^pgrefill$/,
  },
];

/** The entry that keeps a field out of the comparison, if there is one. */
export function outOfScope(fieldClass: FieldClassName, name: string): OutOfScope | undefined {
  return OUT_OF_SCOPE.find((entry) => entry.fieldClass === fieldClass && entry.names?.test(name));
}
