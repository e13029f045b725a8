import type { Guest } from './boot-guest.ts';
import type { Reply } from './guest-link.ts';
import { LabWorker } from './lab-worker.ts';
import { CALL, cString, mask } from './system-calls.ts';

/** How a step ended. */
export interface LabOutcome {
  ret: number;
  /** Name of the errno; empty on success. */
  errno: string;
  message: string;
}

export const ok = (ret: number = 0, message: string = ''): LabOutcome => ({ ret, errno: '', message });
export const failure = (errno: string, message: string = ''): LabOutcome => ({ ret: -1, errno, message });
/** What a step answers that names an object which the worker does not have. */
export const usage = (): LabOutcome => failure('EINVAL', 'usage');
/** Success is 0, whatever the call returned. */
export const asZero = (outcome: LabOutcome): LabOutcome =>
  outcome.ret < 0 ? outcome : { ...outcome, ret: 0 };

/** The worker of a step that names none. */
export const DEFAULT_WORKER = 'w0';
const CONTROLLER = '-';
const CGROUP_ROOT = '/sys/fs/cgroup';

/** File of a cgroup. */
export const cgroupFile = (path: string, file: string): string =>
  `${CGROUP_ROOT}${path === '/' ? '' : path}/${file}`;

/** One script on a booted guest: its workers and groups, and the files that its steps stored. */
export class LabRun {
  readonly guest: Guest;
  /** Node ids of the guest. */
  readonly nodes: readonly number[];
  readonly workers: Map<string, LabWorker> = new Map<string, LabWorker>();
  /** Groups that the script made and did not remove, parents first. */
  readonly cgroups: Set<string> = new Set<string>();
  /** Files that steps stored, by name. */
  readonly stored: Map<string, string> = new Map<string, string>();
  /** Files that steps made in the guest. */
  readonly paths: Set<string> = new Set<string>();
  /** Files of the kernel that steps wrote to, with what was in them before. */
  readonly overwritten: Map<string, string> = new Map<string, string>();
  /** Places where steps mounted something. */
  readonly mounts: Set<string> = new Set<string>();
  /** Devices that steps have made swap space. */
  readonly swaps: Set<string> = new Set<string>();
  settleMs: number = SETTLE_MS;

  constructor(guest: Guest) {
    this.guest = guest;
    this.nodes = guest.machine.nodes.map((_, nid) => nid);
  }

  /** One system call of a worker. */
  async call(worker: LabWorker, number: number, ...words: (string | number)[]): Promise<LabOutcome> {
    return this.ask(worker, 'call', number, ...words);
  }

  /** One operation of a worker. */
  async ask(worker: LabWorker, ...words: (string | number)[]): Promise<LabOutcome> {
    const { ret, errno, message } = await this.guest.link.ask(worker.name, words);
    if (errno === 'ECONNRESET') {
      worker.isAlive = false;
      worker.isReaped = true;
    }
    return { ret, errno, message };
  }

  /** One operation of the controller. */
  async control(...words: (string | number)[]): Promise<Reply> {
    return this.guest.link.ask(CONTROLLER, words);
  }

  /** Writes to a file of the guest as root. */
  async put(path: string, value: string): Promise<LabOutcome> {
    const { ret, errno, message } = await this.control('put', path, value);
    return asZero({ ret, errno, message });
  }

  /** Starts a worker. */
  async spawn(name: string): Promise<LabWorker> {
    const { ret, errno } = await this.control('spawn', name);
    if (ret < 0) throw new Error(`worker ${name} can not be started in the guest: ${errno}`);
    const worker = new LabWorker({ name, pid: ret });
    this.workers.set(name, worker);
    return worker;
  }

  /** Takes away everything that the script left, so that another one can follow. */
  async clear(): Promise<void> {
    await this.control('forget');
    // Pools of nodes are parts of the whole: the last that was changed goes back first.
    for (const [path, value] of [...this.overwritten].reverse()) await this.put(path, chosen(value.trim()));
    for (const device of this.swaps) await this.control('run', '/bin/swapoff', device);
    for (const path of this.mounts) await this.control('call', CALL.umount2, cString(path), 0);
    for (const path of this.paths) await this.control('call', CALL.unlink, cString(path));
    for (const path of [...this.cgroups].reverse()) {
      await this.control('call', CALL.rmdir, cString(cgroupFile(path, '').slice(0, -1)));
    }
    // The pages of the workers' program go back to where the controller's boot had put them.
    const home = this.nodes[1] ?? this.nodes[0]!;
    const away = this.nodes.filter((nid) => nid !== home);
    await this.control('call', CALL.migrate_pages, 0, 64, mask(away), mask([home]));
  }
}

/** A setting as it is written: files that offer a choice put what holds into brackets. */
const chosen = (text: string): string => /\[(.+)\]/.exec(text)?.[1] ?? text;

/** Memory cgroups gather their statistics every 2 s; a snapshot waits until they have. */
const SETTLE_MS = 2300;
