import { LIMIT_FILES } from '../kernel/cgroups.ts';
import type { StepResult } from '../result/types.ts';
import type { Step, StepArgs, Verb } from '../scenario/types.ts';
import { failed, type Outcome } from './outcome.ts';
import { DEFAULT_WORKER, startWorker } from './start-worker.ts';
import { BLOCK_STEPS } from './steps/block-steps.ts';
import { CONTROLLER_STEPS } from './steps/controller-steps.ts';
import { killByFault, noticed } from './steps/death.ts';
import { FILE_STEPS } from './steps/file-steps.ts';
import { isModelledFile, isModelledProgram, MACHINE_STEPS } from './steps/machine-steps.ts';
import { MAPPING_STEPS } from './steps/mapping-steps.ts';
import { isModelledMount } from './steps/mount-step.ts';
import { SOFT_OFFLINE_STEPS } from './steps/soft-offline-steps.ts';
import { TASK_STEPS } from './steps/task-steps.ts';
import { VM_STEPS } from './steps/vm-steps.ts';
import type { Worker } from './worker.ts';
import type { World } from './world.ts';

type AnyWorkerHandler = (world: World, worker: Worker, args: StepArgs[Verb]) => Outcome;
type AnyControllerHandler = (world: World, args: StepArgs[Verb]) => Outcome;

const WORKER_STEPS = {
  ...TASK_STEPS,
  ...FILE_STEPS,
  ...MAPPING_STEPS,
  ...VM_STEPS,
  ...SOFT_OFFLINE_STEPS,
} as unknown as Readonly<Partial<Record<Verb, AnyWorkerHandler>>>;
const CONTROLLERS = { ...CONTROLLER_STEPS, ...MACHINE_STEPS, ...BLOCK_STEPS } as unknown as Readonly<
  Partial<Record<Verb, AnyControllerHandler>>
>;

/** Whether the model can run a step: it knows the verb, and what the step asks of it. */
export function isModelled(step: Step): boolean {
  const { verb } = step;
  if (verb === 'write') return isModelledFile(step.args.path, step.args.value);
  if (verb === 'mount') return isModelledMount(step.args.type, step.args.options);
  if (verb === 'exec') return isModelledProgram(step.args.argv);
  if (verb === 'cgroup limit') return LIMIT_FILES.has(step.args.file);
  return verb === 'snapshot' || verb in WORKER_STEPS || verb in CONTROLLERS;
}

/** Runs one step (anything but a snapshot) in a world. Failing system calls are results, never exceptions. */
export function runStep(world: World, step: Step, n: number): StepResult {
  world.at = { step: n, line: step.line };
  world.charges.beforeStep(step);
  const result = world.movers.around(step, () => dispatch(world, step, n));
  world.stale.afterStep();
  world.charges.afterStep(step);
  world.pools.afterStep(step);
  return result;
}

function dispatch(world: World, step: Step, n: number): StepResult {
  if (!isModelled(step)) throw new Error(`line ${step.line}: the model cannot run "${step.text}"`);
  const controller = CONTROLLERS[step.verb];
  if (controller) {
    if (step.verb !== 'note') ensureDefaultWorker(world);
    return stepResult(step, n, 'ctl', controller(world, step.args));
  }
  const handler = WORKER_STEPS[step.verb]!;
  const name = step.who ?? DEFAULT_WORKER;
  if (name === DEFAULT_WORKER) ensureDefaultWorker(world);
  const worker = world.workers.get(name);
  if (!worker || worker.isReaped) return stepResult(step, n, name, failed('ESRCH', 'no such worker or dead'));
  if (!worker.process.isAlive) return stepResult(step, n, name, noticed(worker));
  let outcome = handler(world, worker, step.args);
  // A process that the OOM killer chose while it allocated, or that got a signal, dies when its call returns.
  if (worker.process.killedBy !== null && worker.process.isAlive)
    outcome = killByFault(world, worker, 'SIGKILL');
  if (step.verb === 'exit') worker.isReaped = true;
  return stepResult(step, n, name, outcome);
}

function ensureDefaultWorker(world: World): void {
  if (!world.workers.has(DEFAULT_WORKER)) startWorker(world, DEFAULT_WORKER);
}

/** A step's line of the result. */
export function stepResult(step: Step, n: number, who: string, outcome: Outcome): StepResult {
  const got = outcome.errno === '' ? 0 : outcome.errno;
  return {
    n,
    line: step.line,
    who,
    text: step.text,
    ...outcome,
    expected: step.expect === null || step.expect === got,
  };
}
