import type { Task } from '../../kernel/task.ts';
import { kernelProcess } from '../background.ts';
import type { World } from '../world.ts';

/** The controller keeps away from the CPU that workers start on: it runs on the second one. */
export function controllerTask({ kernel }: World): Task {
  const nid = kernel.cpuNode[1] ?? kernel.cpuNode[0]!;
  const process = kernelProcess(kernel, nid);
  process.comm = 'agent';
  process.oomScoreAdj = -1000;
  return process.main;
}
