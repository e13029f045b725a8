import type { Inode } from './inode.ts';
import { KernelPages } from './kernel-pages.ts';
import type { Cgroup } from './cgroup.ts';
import type { Memcg } from './memcg.ts';
import type { Policy } from './mempolicy.ts';
import type { Mm } from './mm.ts';

/** A thread as the allocator sees it: its CPU, its policy, its interleave state (struct task_struct). */
export class Task {
  readonly process: Process;
  cpu: number;
  nid: number;
  policy: Policy | null = null;
  /** il_prev: node used last; -1 before the first pick. */
  ilPrev: number = -1;
  /** A program or guest runs and faults page by page: no system call is on its way that takes pages in one go. */
  isRunning: boolean = false;
  /** il_weight: pages the present node still gets under weighted interleave. */
  ilWeight: number = 0;

  constructor(config: { process: Process; cpu: number; nid: number }) {
    this.process = config.process;
    this.cpu = config.cpu;
    this.nid = config.nid;
  }

  /** Does what a program or guest does, not the kernel for it. */
  run<T>(access: () => T): T {
    this.isRunning = true;
    try {
      return access();
    } finally {
      this.isRunning = false;
    }
  }

  /** set_mempolicy(2): the next interleaved page takes the first node. */
  setPolicy(policy: Policy | null): void {
    this.policy = policy;
    this.ilPrev = -1;
    this.ilWeight = 0;
  }
}

/** An open file description (struct file); descriptors and forks share it. */
export interface OpenFile {
  kind: 'inode' | 'kvm' | 'vm' | 'vcpu';
  inode: Inode | null;
  /** The VM behind a `vm` file, opaque to this room. */
  vm: object | null;
  /** readlink text. */
  link: string;
  refs: number;
}

/** A process: everything that its threads share. */
export class Process {
  readonly worker: string;
  readonly pid: number;
  readonly ppid: number;
  comm: string;
  cmdline: readonly string[];
  uid = 0;
  /** Where it is in cgroupfs, and who pays there: kept together, since every allocation asks. */
  cgroup: Cgroup;
  memcg: Memcg;
  /** mems_allowed of its cpuset, in the form of a policy (see cpuset.ts); null: every node. */
  memsAllowed: Policy | null = null;
  mm: Mm | null;
  readonly fds: Map<number, OpenFile> = new Map<number, OpenFile>();
  readonly main: Task;
  /** Kernel stacks of the threads. */
  readonly stacks: KernelPages = new KernelPages();
  /** Further threads by name (`vcpu0`). */
  readonly threads: Map<string, Task> = new Map<string, Task>();
  oomScoreAdj = 0;
  isAlive = true;
  /** Set when the OOM killer or a signal ended it. */
  killedBy: string | null = null;

  constructor(config: {
    worker: string;
    pid: number;
    ppid: number;
    comm: string;
    cmdline: readonly string[];
    cgroup: Cgroup;
    mm: Mm | null;
    cpu: number;
    nid: number;
  }) {
    this.worker = config.worker;
    this.pid = config.pid;
    this.ppid = config.ppid;
    this.comm = config.comm;
    this.cmdline = config.cmdline;
    this.cgroup = config.cgroup;
    this.memcg = config.cgroup.memcg;
    this.mm = config.mm;
    this.main = new Task({ process: this, cpu: config.cpu, nid: config.nid });
  }

  /** The address space is still there; it goes in the middle of exit. */
  get hasCounters(): boolean {
    return this.mm !== null;
  }

  /** Lowest free descriptor, as open(2) gives out. */
  nextFd(): number {
    let fd = 3;
    while (this.fds.has(fd)) fd++;
    return fd;
  }
}
