import type { Kernel } from './kernel.ts';
import { exitProcess, spawnProcess } from './process.ts';
import type { OpenFile, Process } from './task.ts';

/**
 * execve(2) (fs/exec.c:begin_new_exec): another program in an address space of its own. The old one goes as in exit, with what was known by it;
 * descriptors stay, but those that close on exec: of KVM all that are not gmem. The process that comes back has the pid, limits, policy and
 * groups of the old one, which is no more; whatever referred to the old address space, as a VM does, refers to nobody. The program itself maps
 * nothing here.
 */
export function execProcess(
  kernel: Kernel,
  old: Process,
  comm: string,
  isClosed: (file: OpenFile) => boolean,
): Process {
  const kept = [...old.fds].filter(([, file]) => !closesOnExec(file) && !isClosed(file));
  for (const [fd] of kept) old.fds.delete(fd);
  const { rlimits } = old.mm!;
  exitProcess(kernel, old);
  const { worker, pid, cgroup, main } = old;
  const process = spawnProcess(kernel, { worker, comm, cmdline: [comm], pid, cgroup, cpu: main.cpu });
  for (const [fd, file] of kept) process.fds.set(fd, file);
  Object.assign(process.mm!.rlimits, rlimits);
  process.uid = old.uid;
  process.memsAllowed = old.memsAllowed;
  process.oomScoreAdj = old.oomScoreAdj;
  process.main.policy = main.policy;
  process.main.ilPrev = main.ilPrev;
  process.main.ilWeight = main.ilWeight;
  return process;
}

/** Descriptors of /dev/kvm, VMs and vCPUs are made with O_CLOEXEC, those of gmems are not. */
const closesOnExec = ({ kind }: OpenFile): boolean => kind !== 'inode';
