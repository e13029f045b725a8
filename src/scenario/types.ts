import type { Expectation } from '../expect/expectation.ts';
import type { Errno } from '../units/errno.ts';

/**
 * `gmem-huge-pages`: gmem is filled with 2 MiB folios. `in-place-conversion`: a gmem that can be mapped holds both halves of a guest's memory.
 */
export type Proposal = 'gmem-huge-pages' | 'in-place-conversion';

/** A checked scenario: every name resolved, every size in bytes, every step parsed. Plain data. */
export interface Scenario {
  /** File name without directory and extension. */
  id: string;
  /** Path as the user gave it, for messages. */
  file: string;
  title: string;
  description: string;
  sources: string[];
  kernel: '6.12' | '6.18' | '7.3';
  /** Changes to KVM that were posted and not merged. */
  proposed?: readonly Proposal[] | undefined;
  seed: number;
  machine: Machine;
  /** Strategy expressions as written; empty when the scenario names none. */
  strategies: string[];
  /** Named processes; a worker not listed here starts as a plain one. */
  processes: Record<string, ProcessSpec>;
  /** Repeat blocks are unrolled. */
  steps: Step[];
  /** The script as written. */
  script: string;
  /** What will be seen, in the order of the file. */
  expectations: Expectation[];
}

/** /sys/kernel/mm/transparent_hugepage: the files enabled, shmem_enabled and defrag. */
export interface ThpSource {
  enabled: 'always' | 'madvise' | 'never';
  shmem: 'always' | 'within_size' | 'advise' | 'never' | 'deny' | 'force';
  defrag: 'always' | 'defer' | 'defer+madvise' | 'madvise' | 'never';
}

export interface Machine {
  title: string;
  nodes: MachineNode[];
  /** Square, node by node. */
  distances: number[][];
  sysctl: Record<string, number>;
  thp: ThpSource;
  /** The pool of 2 MiB pages at boot, in pages, spread over the nodes; nodes may say how many they have instead. */
  hugepages?: number | undefined;
  /** Swap device, and whether it is active from the start; absent: none. */
  swap?: { bytes: number; isOn: boolean } | undefined;
  /** Bytes of RAM that lie below 4 GiB; absent: all that fits. */
  belowFourGib?: number | undefined;
}

export interface MachineNode {
  cpus: number[];
  memoryBytes: number;
  /** The node's share of the pool of 2 MiB pages at boot, in pages. */
  hugepages?: number | undefined;
  /** Bytes of the node that are ZONE_MOVABLE. */
  movableBytes: number;
  /** Its zones as /proc/zoneinfo and /proc/buddyinfo showed them before the first step; absent: cut from its memory, free blocks whole. */
  zones?: MachineZone[] | undefined;
  /** What is there before the first step, in bytes: given as input, shown in node counters, owned by nobody modelled. */
  background: { pageCache: number; anon: number; slab: number; shmem?: number | undefined };
}

/** A zone of a machine that is described from a real one, in frames. */
export interface MachineZone {
  name: 'DMA' | 'DMA32' | 'Normal' | 'Movable';
  startPfn: number;
  spannedPages: number;
  presentPages: number;
  /** Managed frames. */
  pages: number;
  /** Free blocks per order. */
  freeByOrder: number[];
}

/** Who a worker is, and what it holds before the first step. */
export interface ProcessSpec {
  comm: string;
  cmdline: string[];
  /** 0 lets the model number it. */
  pid: number;
  cgroup: string;
  image: ImageVma[];
}

/** A VMA that a process starts with. */
export interface ImageVma {
  start: number;
  end: number;
  perms: string;
  offset: number;
  dev: string;
  inode: number;
  name: string;
  vmFlags: string[];
  /** Resident pages per node id. */
  resident: number[];
  /** Of the resident pages, anonymous ones (the rest is file page cache). */
  anonPages: number;
}

/** Memory policy modes of the step language, by their names there. */
export type ModeName = 'default' | 'local' | 'bind' | 'interleave' | 'preferred' | 'prefmany' | 'winterleave';
export type ModeFlag = 'static' | 'relative' | 'balancing';

/** A verb without arguments. */
export type NoArgs = Readonly<Record<string, never>>;

/** Arguments by verb. Sizes, offsets and addresses are bytes. */
export interface StepArgs {
  // controller
  snapshot: { label: string };
  spawn: { worker: string };
  kill: { worker: string; signal: number };
  wait: { worker: string };
  'cgroup create': { path: string };
  'cgroup rm': { path: string };
  'cgroup move': { worker: string; path: string };
  'cgroup limit': { path: string; file: string; value: string };
  migratepages: { worker: string; from: number[]; to: number[] };
  compact: NoArgs;
  dropcaches: { what: number };
  write: { path: string; value: string };
  save: { name: string; path: string };
  exec: { name: string; argv: string[] };
  mount: { type: string; path: string; options: string };
  mkdir: { path: string };
  offline: { block: number; timeoutMs: number };
  online: { block: number; timeoutMs: number };
  offline_node: { node: number; timeoutMs: number };
  dmesg: { name: string };
  sleep: { ms: number };
  settle: { ms: number };
  note: { text: string };
  // worker
  soft_offline: { name: string; offset: number; bytes: number };
  noop: NoArgs;
  /** NUMA balancing of its address space: the scanner's pass, and accesses of the worker's thread. */
  numa_balance: NoArgs;
  khugepaged: NoArgs;
  exit: NoArgs;
  mempolicy: { mode: ModeName; flags: ModeFlag[]; nodes: number[] };
  affinity: { cpu: number };
  rlimit: { resource: 'memlock' | 'as' | 'rss' | 'data' | 'fsize'; bytes: number };
  dropcap: NoArgs;
  oomadj: { value: number };
  fork: { worker: string };
  /** execve(2): another program in the same process; `comm` is its name. */
  execve: { comm: string };
  reap: NoArgs;
  'gmem create': { name: string; bytes: number; flags: number };
  /** `file`: the name the file shows in maps when it differs from the object's (`name=TEXT`); `sealed` etc. are not modelled. */
  'memfd create': { name: string; bytes: number; hugetlb: boolean; cloexec: boolean; file: string };
  'file create': { name: string; bytes: number; path: string };
  'anon map': {
    name: string;
    bytes: number;
    shared: boolean;
    hugetlb: boolean;
    noreserve: boolean;
    at: number | null;
  };
  /** gmem, memfd and file; `offset`/`bytes` null map the whole object; `at` is a fixed address (`at=0x…`). */
  map: {
    kind: ObjectKind;
    name: string;
    shared: boolean;
    readOnly: boolean;
    at: number | null;
    offset: number | null;
    bytes: number | null;
  };
  unmap: { kind: ObjectKind | 'anon'; name: string; range: { offset: number; bytes: number } | null };
  close: { kind: ObjectKind; name: string };
  fallocate: { kind: ObjectKind; name: string; offset: number; bytes: number };
  punch: { kind: ObjectKind; name: string; offset: number; bytes: number };
  punchstride: {
    kind: ObjectKind;
    name: string;
    offset: number;
    bytes: number;
    hole: number;
    stride: number;
  };
  ftruncate: { kind: ObjectKind; name: string; bytes: number };
  read: { kind: ObjectKind; name: string; offset: number };
  /** `bytes` beyond the rig's single write are an extension; 64 by default. */
  'write file': { kind: ObjectKind; name: string; offset: number; bytes: number };
  stat: { kind: ObjectKind; name: string };
  'gmem policy': {
    name: string;
    offset: number;
    bytes: number;
    mode: ModeName;
    flags: ModeFlag[];
    nodes: number[];
    move: boolean;
  };
  /** fget_mempolicy: the policy of a page of a file, by descriptor. */
  'gmem query': { name: string; offset: number };
  mbind: {
    name: string;
    offset: number;
    bytes: number;
    mode: ModeName;
    flags: ModeFlag[];
    nodes: number[];
    move: boolean;
    strict: boolean;
  };
  touch: { name: string; offset: number; bytes: number; write: boolean; random: RandomTouch | null };
  mlock: { name: string; offset: number; bytes: number };
  munlock: { name: string; offset: number; bytes: number };
  /** Without flags: the tail goes, or the mapping grows where it stands. */
  mremap: { name: string; bytes: number };
  mlockall: { future: boolean };
  /** process_vm_readv of what another worker has mapped; `force` as ptrace and /proc/PID/mem do. */
  peek: { worker: string; name: string; offset: number; bytes: number; force: boolean };
  /** Reads a file below /proc/PID of another worker. */
  cat: { worker: string; file: string };
  /** What a core dump of the process would hold, by coredump_filter. */
  coredump: { filter: number };
  madvise: { name: string; offset: number; bytes: number; advice: string };
  move_pages: { name: string; offset: number; bytes: number; node: number };
  where: { name: string; offset: number; bytes: number };
  'vm create': { type: 'default' | 'swprot' | 'snp' };
  'vm cap': NoArgs;
  /** `object` null: no userspace address (0). */
  'vm slot': {
    slot: number;
    gpa: number;
    bytes: number;
    object: string | null;
    offset: number;
    gmem: string | null;
    gmemOffset: number;
  };
  'vm unslot': { slot: number };
  'vm attr': { gpa: number; bytes: number; to: 'private' | 'shared' };
  /** Guest access by the VM's vCPU running on the worker's thread; which pool is meant follows the attribute. `code`: rig's code object or null. */
  'vm touch': {
    gpa: number;
    bytes: number;
    code: string | null;
    step: number;
    vcpu: number | null;
    /** Then also through another second-level page table: that of SMM, or of a guest in the guest. Absent: none. */
    root?: number | undefined;
    random: RandomTouch | null;
  };
  'vm ttouch': {
    gpa: number;
    bytes: number;
    code: string | null;
    cpu: number;
    mode: ModeName;
    flags: ModeFlag[];
    nodes: number[];
  };
  /** KVM_SEV_SNP_LAUNCH_UPDATE by the worker's thread. */
  'vm launch-update': { gpa: number; bytes: number };
  /**
   * explicit: the guest asks (page-state change → KVM_EXIT_HYPERCALL), the VMM sets attributes and gives pages of the pools back that `discard`
   * names. `left`: those of the pool that the range leaves, if that is another one.
   * implicit: the guest just accesses with the other C-bit (KVM_EXIT_MEMORY_FAULT), then the VMM converts, then the access repeats.
   */
  'vm convert': {
    gpa: number;
    bytes: number;
    to: 'private' | 'shared';
    how: 'explicit' | 'implicit';
    discard: 'left' | 'none' | 'private' | 'shared' | 'both';
  };
  /** Creates a vCPU thread `index` with its own cpu and policy; later `vm touch … vcpu=INDEX` run on it. */
  'vm vcpu': { index: number; cpu: number; mode: ModeName; flags: ModeFlag[]; nodes: number[] };
  'vm close': NoArgs;
}

/** `random=COUNT seed=N`: COUNT page accesses in an order drawn from the seed, without repetition. */
export interface RandomTouch {
  count: number;
  seed: number;
}

export type ObjectKind = 'gmem' | 'memfd' | 'file';
export type Verb = keyof StepArgs;

interface StepBase {
  /** 1-based line in the scenario file. */
  line: number;
  /** 1-based column of the verb. */
  column: number;
  /** Worker named by a `name:` prefix, or null. */
  who: string | null;
  /** The line as written, without comment and expectation. */
  text: string;
  /** `= -ERRNO` states a failure, `= 0` success; null states nothing. */
  expect: Errno | 0 | null;
}

/** One step: a discriminated union over the verbs. */
export type Step = { [V in Verb]: StepBase & { verb: V; args: StepArgs[V] } }[Verb];

/** One thing wrong in a user's file. */
export interface Problem {
  file: string;
  line: number;
  column: number;
  /** What is wrong and what would be right. */
  message: string;
  /** Stable reason for tests and tools. */
  reason: 'yaml' | 'schema' | 'step' | 'reference' | 'range';
}
