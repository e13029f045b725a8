import type { Kernel } from '../../kernel/kernel.ts';
import { setWatermarks } from '../../kernel/watermarks.ts';
import { PAGE_SIZE } from '../../units/pages.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import type { World } from '../world.ts';

/** A number that a file of /proc/sys/vm takes, and what it sets. */
interface VmFile {
  least?: number;
  most: number;
  set: (kernel: Kernel, value: number) => void;
}

const INT_MAX = 2 ** 31 - 1;
const pagesOf = (kb: number): number => Math.floor((kb * 1024) / PAGE_SIZE);

const FILES: Readonly<Record<string, VmFile>> = {
  overcommit_memory: {
    most: 2,
    set: ({ overcommit }, value) => {
      overcommit.mode = value;
    },
  },
  // A limit is given in one way or the other (mm/util.c:overcommit_ratio_handler, overcommit_kbytes_handler).
  overcommit_ratio: {
    most: INT_MAX,
    set: ({ overcommit }, value) => {
      overcommit.ratio = value;
      overcommit.limitPages = 0;
    },
  },
  overcommit_kbytes: {
    most: Number.MAX_SAFE_INTEGER,
    set: ({ overcommit }, value) => {
      overcommit.limitPages = pagesOf(value);
      overcommit.ratio = 0;
    },
  },
  admin_reserve_kbytes: {
    most: Number.MAX_SAFE_INTEGER,
    set: ({ overcommit }, value) => {
      overcommit.adminReserve = pagesOf(value);
    },
  },
  user_reserve_kbytes: {
    most: Number.MAX_SAFE_INTEGER,
    set: ({ overcommit }, value) => {
      overcommit.userReserve = pagesOf(value);
    },
  },
  swappiness: {
    most: 200,
    set: (kernel, value) => {
      kernel.swappiness = value;
    },
  },
  min_free_kbytes: {
    most: INT_MAX,
    set: (kernel, value) => {
      kernel.watermarks.minFree = kernel.watermarks.ownMinFree = pagesOf(value);
      setWatermarks(kernel);
    },
  },
  watermark_scale_factor: {
    least: 1,
    most: 3000,
    set: (kernel, value) => {
      kernel.watermarks.scale = value;
      setWatermarks(kernel);
    },
  },
};

const FILE = /^\/proc\/sys\/vm\/(\w+)$/;
const fileOf = (path: string): VmFile | undefined => FILES[FILE.exec(path)?.[1] ?? ''];

/** Whether a file sets how the kernel manages memory. */
export const isVmFile = (path: string): boolean => fileOf(path) !== undefined;

/** Writes such a setting; what is no number, or none of its numbers, is EINVAL (kernel/sysctl.c:proc_dointvec_minmax). */
export function writeVmFile(world: World, path: string, value: string): Outcome {
  const { least = 0, most, set } = fileOf(path)!;
  if (!/^\d+$/.test(value) || Number(value) < least || Number(value) > most) return failed('EINVAL');
  set(world.kernel, Number(value));
  return done();
}

/** Settings that a machine has from the start, by their names (`vm.overcommit_memory`). */
export function applySysctls(world: World, sysctl: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(sysctl)) {
    const path = `/proc/sys/${name.replaceAll('.', '/')}`;
    if (isVmFile(path)) writeVmFile(world, path, String(value));
  }
}
