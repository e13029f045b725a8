import type { ModeFlag, ModeName } from '../scenario/types.ts';

/** Numbers of system calls (x86-64). */
export const CALL = {
  open: 2,
  close: 3,
  fstat: 5,
  mmap: 9,
  munmap: 11,
  ioctl: 16,
  pread64: 17,
  pwrite64: 18,
  mremap: 25,
  madvise: 28,
  wait4: 61,
  kill: 62,
  ftruncate: 77,
  mkdir: 83,
  rmdir: 84,
  unlink: 87,
  setresuid: 117,
  mlock: 149,
  munlock: 150,
  mlockall: 151,
  setrlimit: 160,
  mount: 165,
  umount2: 166,
  sched_setaffinity: 203,
  mbind: 237,
  set_mempolicy: 238,
  migrate_pages: 256,
  fallocate: 285,
  memfd_create: 319,
} as const;

/** ioctl requests of KVM, by their names in linux/kvm.h. */
export const KVM = {
  CREATE_VM: 0xae01,
  CHECK_EXTENSION: 0xae03,
  GET_VCPU_MMAP_SIZE: 0xae04,
  CREATE_VCPU: 0xae41,
  SET_USER_MEMORY_REGION: 0x4020_ae46,
  SET_USER_MEMORY_REGION2: 0x40a0_ae49,
  SET_MEMORY_ATTRIBUTES: 0x4020_aed2,
  CREATE_GUEST_MEMFD: 0xc040_aed4,
} as const;

/** Open flags. */
export const O_RDWR = 2;
export const O_CREAT = 0o100;
export const O_CLOEXEC = 0o2000000;

const MODES: Readonly<Record<ModeName, number>> = {
  default: 0,
  preferred: 1,
  bind: 2,
  interleave: 3,
  local: 4,
  prefmany: 5,
  winterleave: 6,
};
const MODE_FLAGS: Readonly<Record<ModeFlag, number>> = {
  balancing: 1 << 13,
  relative: 1 << 14,
  static: 1 << 15,
};
/** Nodes that a mask of the lab has room for. */
const MASK_BITS = 64;

/** A text as the address of its bytes, ended by NUL. */
export const cString = (text: string): string => `@${Buffer.from(`${text}\0`).toString('hex')}`;

/** Whole numbers as the address of a structure, each as many bytes as it says. */
export function struct(...fields: readonly (readonly [bytes: 4 | 8, value: number])[]): string {
  const buffer = Buffer.alloc(fields.reduce((sum, [bytes]) => sum + bytes, 0));
  let at = 0;
  for (const [bytes, value] of fields) {
    if (bytes === 4) buffer.writeUInt32LE(value >>> 0, at);
    else buffer.writeBigUInt64LE(BigInt.asUintN(64, BigInt(value)), at);
    at += bytes;
  }
  return `@${buffer.toString('hex')}`;
}

/** 64-bit words of zero, as padding of a structure. */
export const padding = (count: number): [8, number][] => Array.from({ length: count }, () => [8, 0]);

/** A mask of nodes or CPUs as the address of 64 bits. */
export function mask(bits: readonly number[]): string {
  const word = bits.reduce((sum, bit) => sum | (1n << BigInt(bit)), 0n);
  const buffer = Buffer.alloc(8);
  buffer.writeBigUInt64LE(BigInt.asUintN(64, word));
  return `@${buffer.toString('hex')}`;
}

/** The arguments MODE, NODEMASK, MAXNODE of the calls that take a memory policy. */
export function policyWords(policy: {
  mode: ModeName;
  flags: readonly ModeFlag[];
  nodes: readonly number[];
}): (string | number)[] {
  const mode = policy.flags.reduce((sum, flag) => sum | MODE_FLAGS[flag], MODES[policy.mode]);
  return policy.nodes.length === 0 ? [mode, 0, 0] : [mode, mask(policy.nodes), MASK_BITS];
}
