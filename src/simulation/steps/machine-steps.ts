import { migrateProcess } from '../../kernel/migrate-pages.ts';
import type { Task } from '../../kernel/task.ts';
import { parseList } from '../../units/nodelist.ts';
import { kernelProcess } from '../background.ts';
import { answered, done, failed, type Outcome } from '../outcome.ts';
import type { World } from '../world.ts';
import type { ControllerHandlers } from './handler.ts';

/** Weights that a node may have (mm/mempolicy.c:node_store). */
const MAX_WEIGHT = 255;
const WEIGHT_FILE = /^\/sys\/kernel\/mm\/mempolicy\/weighted_interleave\/node(\d+)$/;

/** Steps of the controller that act on the machine or, as root, on a worker's memory. */
export const MACHINE_STEPS: ControllerHandlers<'migratepages' | 'write' | 'exec'> = {
  migratepages: (world, { worker, from, to }) => migrate(world, worker, from, to),
  write: (world, { path, value }) => {
    const nid = Number(WEIGHT_FILE.exec(path)?.[1]);
    if ((world.kernel.nodes[nid]?.pages ?? 0) === 0) return failed('ENOENT');
    const weight = value === '' ? 1 : Number(value);
    if (!Number.isInteger(weight) || weight < 1 || weight > MAX_WEIGHT) return failed('EINVAL');
    world.kernel.weights[nid] = weight;
    return done();
  },
  exec: (world, { argv }) => {
    const [, target = '', from = '', to = ''] = argv;
    // The tool exits with 0 whatever could not be moved.
    const outcome = migrate(world, target.slice(1), parseList(from) ?? [], parseList(to) ?? []);
    return outcome.ret > 0 ? done() : outcome;
  },
};

/** Whether the model has a file of the machine that scripts write to. */
export const isModelledFile = (path: string): boolean => WEIGHT_FILE.test(path);

/** Whether the model knows what a program does: `migratepages @WORKER FROM TO` of numactl. */
export function isModelledProgram([
  program = '',
  target = '',
  from = '',
  to = '',
]: readonly string[]): boolean {
  const lists = [from, to].map((list) => parseList(list) ?? []);
  return (
    /(^|\/)migratepages$/.test(program) && target.startsWith('@') && lists.every((nodes) => nodes.length > 0)
  );
}

function migrate(world: World, name: string, from: readonly number[], to: readonly number[]): Outcome {
  const worker = world.workers.get(name);
  if (!worker?.process.isAlive) return failed('ESRCH');
  const answer = migrateProcess(world.kernel, controllerTask(world), worker.process.mm!, from, to);
  return typeof answer === 'number' ? done(answer) : answered(answer);
}

/** The controller keeps away from the CPU that workers start on: it runs on the second one. */
function controllerTask({ kernel }: World): Task {
  const nid = kernel.cpuNode[1] ?? kernel.cpuNode[0]!;
  return kernelProcess(kernel, nid).main;
}
