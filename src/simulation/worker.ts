import type { Inode } from '../kernel/inode.ts';
import type { Process, Task } from '../kernel/task.ts';
import type { Vm } from '../kvm/vm.ts';
import type { ObjectKind } from '../scenario/types.ts';

/** What a script calls by a name: a file with its descriptor, a mapping, or both. */
export interface WorkerObject {
  name: string;
  kind: ObjectKind | 'anon';
  inode: Inode | null;
  /** -1 when closed. */
  fd: number;
  /** First page of the mapping; null when not mapped. */
  vpn: number | null;
  pages: number;
  mappedPages: number;
  /** Its descriptor closes on exec. */
  isCloexec?: boolean | undefined;
}

/** A named process of the script: its objects, its VM, its vCPU threads. */
export class Worker {
  readonly name: string;
  /** Another one after an exec. */
  process: Process;
  readonly objects: Map<string, WorkerObject>;
  vm: { vm: Vm; fd: number } | null;
  hasKvmFd: boolean;
  /** The worker that forked it; null for a child of the controller. */
  readonly parent: Worker | null;
  /** Its parent has waited for it: its number is gone. */
  isGone = false;
  /** The controller has learned of its death. */
  isReaped = false;
  /** Descriptors of the vCPUs by number. */
  readonly vcpuFds: Map<number, number>;
  /** Threads that run a vCPU of their own. */
  readonly vcpus: Map<number, Task> = new Map<number, Task>();

  constructor(config: { name: string; process: Process; parent?: Worker | undefined }) {
    this.name = config.name;
    this.process = config.process;
    const { parent } = config;
    this.parent = parent ?? null;
    this.objects = new Map(
      [...(parent?.objects ?? [])].map(([name, object]) => [name, { ...object }] as const),
    );
    this.vm = parent?.vm ?? null;
    this.vcpuFds = new Map(parent?.vcpuFds ?? []);
    this.hasKvmFd = parent?.hasKvmFd ?? false;
  }

  /** Another worker forked it: the controller is not its parent. */
  get isForked(): boolean {
    return this.parent !== null;
  }

  get task(): Task {
    return this.process.main;
  }

  /** A vCPU's thread; the worker's own where none was made. */
  vcpu(index: number | null): Task {
    return (index === null ? undefined : this.vcpus.get(index)) ?? this.process.main;
  }
}
