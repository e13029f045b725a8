import type { ObjectKind } from '../scenario/types.ts';

/** What a script calls by a name in a worker: a descriptor, a mapping, or both. */
export interface LabObject {
  kind: ObjectKind | 'anon';
  /** -1 when closed, and for anonymous memory. */
  fd: number;
  bytes: number;
  /** First byte of the latest mapping; null when not mapped. */
  address: number | null;
  mappedBytes: number;
  isHugetlb: boolean;
}

/** A vCPU of the worker's VM. */
export interface LabVcpu {
  fd: number;
  /** Where its run area is mapped, and how long that is. */
  run: number;
  runBytes: number;
}

/** A worker process of the guest, as its steps have made it. */
export class LabWorker {
  readonly name: string;
  readonly pid: number;
  /** Whether it runs, as far as the steps have it. */
  isAlive = true;
  /** Whether its end has shown in the result of a step: steps after that find no worker. */
  isReaped = false;
  readonly objects: Map<string, LabObject>;
  kvmFd: number;
  vmFd: number;
  /** By vCPU number. */
  readonly vcpus: Map<number, LabVcpu>;
  /** vCPUs with a thread of their own, which has the vCPU's number. */
  readonly threads: Set<number> = new Set<number>();

  constructor(config: { name: string; pid: number; parent?: LabWorker | undefined }) {
    const { name, pid, parent } = config;
    this.name = name;
    this.pid = pid;
    this.objects = new Map([...(parent?.objects ?? [])].map(([key, object]) => [key, { ...object }]));
    this.kvmFd = parent?.kvmFd ?? -1;
    this.vmFd = parent?.vmFd ?? -1;
    this.vcpus = new Map(parent?.vcpus ?? []);
  }

  /** Registers an object; an older one of that name is forgotten, not closed. */
  add(
    name: string,
    kind: LabObject['kind'],
    fd: number,
    bytes: number,
    isHugetlb: boolean = false,
  ): LabObject {
    const object: LabObject = { kind, fd, bytes, address: null, mappedBytes: 0, isHugetlb };
    this.objects.set(name, object);
    return object;
  }
}
