import { allowedNodes } from '../../kernel/cpuset.ts';
import { execProcess } from '../../kernel/exec.ts';
import { exitProcess, forkProcess } from '../../kernel/process.ts';
import { makePolicy } from '../../kernel/mempolicy.ts';
import { scanForHuge } from '../../kernel/khugepaged.ts';
import { balanceNuma } from '../../kernel/numa-balancing.ts';
import { done, failed } from '../outcome.ts';
import { Worker } from '../worker.ts';
import { dumpCore } from './core-dump.ts';
import { readProcFile } from './proc-file.ts';
import { reapAny } from './death.ts';
import type { WorkerHandlers } from './handler.ts';

/** Steps about the process itself: policy, CPU, limits, fork, exit. */
export const TASK_STEPS: WorkerHandlers<
  | 'noop'
  | 'numa_balance'
  | 'khugepaged'
  | 'exit'
  | 'mempolicy'
  | 'affinity'
  | 'rlimit'
  | 'dropcap'
  | 'oomadj'
  | 'fork'
  | 'reap'
  | 'execve'
  | 'cat'
  | 'coredump'
> = {
  noop: () => done(),
  numa_balance: (world, worker) => {
    const { scanned, hinted, moved, failed: stayed } = balanceNuma(world.kernel, worker.task);
    return done(0, `scanned=${scanned} hinted=${hinted} moved=${moved} failed=${stayed}`);
  },
  khugepaged: (world, worker) => {
    const { vmas, passed, collapsed } = scanForHuge(world.kernel, worker.task);
    return done(0, `vmas=${vmas} passed=${passed} collapsed=${collapsed}`);
  },
  reap: (world, worker) => reapAny(world, worker),
  exit: (world, worker) => {
    exitProcess(world.kernel, worker.process);
    return done();
  },
  mempolicy: (world, worker, { mode, flags, nodes }) => {
    const policy = makePolicy(mode, flags, nodes, allowedNodes(world.kernel, worker.process));
    if (policy === 'EINVAL') return failed('EINVAL');
    worker.task.setPolicy(policy);
    return done();
  },
  affinity: (world, worker, { cpu }) => {
    const nid = world.kernel.cpuNode[cpu];
    if (nid === undefined) return failed('EINVAL');
    worker.task.cpu = cpu;
    worker.task.nid = nid;
    return done();
  },
  rlimit: (_world, worker, { resource, bytes }) => {
    const { rlimits } = worker.process.mm!;
    // Both limits are set: raising the hard one needs CAP_SYS_RESOURCE.
    if (worker.process.uid !== 0 && bytes > rlimits[resource]) return failed('EPERM');
    rlimits[resource] = bytes;
    return done();
  },
  dropcap: (_world, worker) => {
    worker.process.uid = 1000;
    return done();
  },
  oomadj: (_world, worker, { value }) => {
    // Whoever has given up root may no longer open its own file (the process is not dumpable), and writes to no descriptor.
    if (worker.process.uid !== 0) return failed('EBADF');
    if (value < -1000 || value > 1000) return failed('EINVAL');
    worker.process.oomScoreAdj = value;
    return done(String(value).length);
  },
  fork: (world, worker, { worker: name }) => {
    const process = forkProcess(world.kernel, worker.process, name);
    if (process === 'ENOMEM') return failed(process);
    world.workers.set(name, new Worker({ name, process, parent: worker }));
    return done(process.pid);
  },
  cat: (world, worker, { worker: name, file }) => readProcFile(world, worker, name, file),
  coredump: (world, worker, { filter }) => dumpCore(world, worker, filter),
  execve: (world, worker, { comm }) => {
    const objects = [...worker.objects.values()];
    const closing = new Set(
      objects.flatMap(({ isCloexec, fd }) => (isCloexec && fd >= 0 ? [worker.process.fds.get(fd)!] : [])),
    );
    worker.process = execProcess(world.kernel, worker.process, comm, (file) => closing.has(file));
    for (const object of objects) {
      object.vpn = null;
      if (object.isCloexec) object.fd = -1;
    }
    worker.vm = null;
    worker.hasKvmFd = false;
    worker.vcpuFds.clear();
    worker.vcpus.clear();
    return done();
  },
};
