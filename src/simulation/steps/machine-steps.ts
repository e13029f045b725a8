import { migrateProcess } from '../../kernel/migrate-pages.ts';
import { parseList } from '../../units/nodelist.ts';
import { answered, done, failed, type Outcome } from '../outcome.ts';
import type { World } from '../world.ts';
import { isCompactFile, writeCompactFile } from './compact-files.ts';
import { controllerTask } from './controller-task.ts';
import type { ControllerHandlers } from './handler.ts';
import { isHugetlbFile, writeHugetlbFile } from './hugetlb-files.ts';
import { isLookingProgram } from './looking-programs.ts';
import { isMemoryBlockFile, writeMemoryBlock } from './memory-block-files.ts';
import { mountTmpfs } from './mount-step.ts';
import { dropCaches, isPressureFile, writePressureFile } from './pressure-files.ts';
import { isQuietWrite, writeQuietFile } from './quiet-files.ts';
import { isSwapProgram, runSwapProgram } from './swap-programs.ts';
import { isSoftOfflineFile, writeSoftOffline } from './soft-offline-steps.ts';
import { isThpFile, writeThpFile } from './thp-files.ts';
import { isVmFile, writeVmFile } from './vm-files.ts';

/** Weights that a node may have (mm/mempolicy.c:node_store). */
const MAX_WEIGHT = 255;
const WEIGHT_FILE = /^\/sys\/kernel\/mm\/mempolicy\/weighted_interleave\/node(\d+)$/;

/** Steps of the controller that act on the machine or, as root, on a worker's memory. */
export const MACHINE_STEPS: ControllerHandlers<'migratepages' | 'mount' | 'write' | 'exec' | 'dropcaches'> = {
  migratepages: (world, { worker, from, to }) => migrate(world, worker, from, to),
  mount: (world, { path, options }) => mountTmpfs(world, path, options),
  write: (world, { path, value }) => {
    if (isPressureFile(path)) return writePressureFile(world, path, value);
    if (isMemoryBlockFile(path)) return writeMemoryBlock(world, path, value);
    if (isQuietWrite(path, value)) return writeQuietFile(path, value);
    if (isCompactFile(path)) return writeCompactFile(world, path, value);
    if (isSoftOfflineFile(path)) return writeSoftOffline(world, value);
    if (isThpFile(path)) return writeThpFile(world, path, value);
    if (isVmFile(path)) return writeVmFile(world, path, value);
    if (isHugetlbFile(path)) return writeHugetlbFile(world, controllerTask(world), path, value);
    const nid = Number(WEIGHT_FILE.exec(path)?.[1]);
    if ((world.kernel.nodes[nid]?.pages ?? 0) === 0) return failed('ENOENT');
    const weight = value === '' ? 1 : Number(value);
    if (!Number.isInteger(weight) || weight < 1 || weight > MAX_WEIGHT) return failed('EINVAL');
    world.kernel.weights[nid] = weight;
    return done();
  },
  dropcaches: (world, { what }) => dropCaches(world, what),
  exec: (world, { argv }) => {
    if (isSwapProgram(argv)) return runSwapProgram(world, argv);
    if (isLookingProgram(argv)) return done();
    const [, target = '', from = '', to = ''] = argv;
    // The tool exits with 0 whatever could not be moved.
    const outcome = migrate(world, target.slice(1), parseList(from) ?? [], parseList(to) ?? []);
    return outcome.ret > 0 ? done() : outcome;
  },
};

/** Whether the model does what a value in a file of the machine asks for. */
export const isModelledFile = (path: string, value: string): boolean =>
  WEIGHT_FILE.test(path) ||
  isMemoryBlockFile(path) ||
  isQuietWrite(path, value) ||
  isPressureFile(path) ||
  isCompactFile(path) ||
  isSoftOfflineFile(path) ||
  isThpFile(path) ||
  isVmFile(path) ||
  isHugetlbFile(path);

/** Whether the model knows what a program does: `migratepages @WORKER FROM TO` of numactl, `mkswap` and `swapon`, and those that only look. */
export function isModelledProgram(argv: readonly string[]): boolean {
  const [program = '', target = '', from = '', to = ''] = argv;
  if (isSwapProgram(argv) || isLookingProgram(argv)) return true;
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
