import { closeFd } from '../kernel/process.ts';
import type { Task } from '../kernel/task.ts';
import type { Vm } from '../kvm/vm.ts';
import type { Worker } from './worker.ts';
import type { World } from './world.ts';

/** KVM_CREATE_VCPU by a thread of a worker, unless the worker has that vCPU open. */
export function ensureVcpu(world: World, worker: Worker, vm: Vm, task: Task, id: number): void {
  if (!worker.vcpuFds.has(id)) worker.vcpuFds.set(id, world.kvm.createVcpu(task, vm, id));
}

/** Closes every vCPU of a worker. */
export function closeVcpus(world: World, worker: Worker): void {
  for (const fd of worker.vcpuFds.values()) closeFd(world.kernel, worker.process, fd);
  worker.vcpuFds.clear();
}
