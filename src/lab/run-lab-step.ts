import type { Step, StepArgs, Verb } from '../scenario/types.ts';
import { DEFAULT_WORKER, failure, type LabOutcome, type LabRun } from './lab-run.ts';
import type { LabWorker } from './lab-worker.ts';
import { CONTROLLER_STEPS } from './steps/controller-steps.ts';
import { FILE_STEPS } from './steps/file-steps.ts';
import { MAPPING_STEPS } from './steps/mapping-steps.ts';
import { TASK_STEPS } from './steps/task-steps.ts';
import { VM_STEPS } from './steps/vm-steps.ts';

type AnyWorkerStep = (run: LabRun, worker: LabWorker, args: StepArgs[Verb]) => Promise<LabOutcome>;
type AnyControllerStep = (run: LabRun, args: StepArgs[Verb]) => Promise<LabOutcome>;

const WORKERS = { ...TASK_STEPS, ...FILE_STEPS, ...MAPPING_STEPS, ...VM_STEPS } as unknown as Readonly<
  Partial<Record<Verb, AnyWorkerStep>>
>;
const CONTROLLERS = CONTROLLER_STEPS as unknown as Readonly<Partial<Record<Verb, AnyControllerStep>>>;

/** Why a step cannot run on a real kernel here; null when it can. */
export function unrunnable(step: Step): string | null {
  const { verb } = step;
  if (verb === 'gmem policy' || verb === 'gmem query' || verb === 'vm convert')
    return `only the model knows "${verb}": on a real kernel it is several calls of a VMM`;
  if (verb === 'soft_offline') {
    return 'only the model knows which frame holds a page of a file that nobody maps: write an address to soft_offline_page';
  }
  if (verb === 'numa_balance')
    return 'only the model can be told when: on a real kernel NUMA balancing scans in its own time';
  if (verb === 'khugepaged')
    return 'only the model can be told when: on a real kernel khugepaged scans in its own time; "madvise OBJECT OFFSET LENGTH collapse" asks for the same';
  if (verb === 'vm launch-update' || (verb === 'vm create' && step.args.type === 'snp'))
    return 'SNP needs a host with the hardware: no emulated CPU has it';
  if ((verb === 'vm touch' || verb === 'vm ttouch') && step.args.code === null)
    return 'a real guest needs code: name an object that is mapped at guest address 0 (CODE_OBJECT)';
  if (verb === 'vm touch' && step.args.root !== undefined)
    return 'only the model knows root=: on a real kernel the guest would have to run a guest of its own';
  if (verb === 'snapshot' || verb in WORKERS || verb in CONTROLLERS) return null;
  return `the lab can not run "${verb}"`;
}

/** Runs one step (anything but a snapshot) in the guest; tells who ran it. */
export async function runLabStep(run: LabRun, step: Step): Promise<LabOutcome & { who: string }> {
  const controller = CONTROLLERS[step.verb];
  if (controller) {
    if (step.verb !== 'note') await defaultWorker(run);
    return { who: 'ctl', ...(await controller(run, step.args)) };
  }
  const who = step.who ?? DEFAULT_WORKER;
  if (who === DEFAULT_WORKER) await defaultWorker(run);
  const worker = run.workers.get(who);
  if (!worker || worker.isReaped) return { who, ...failure('ESRCH', 'no such worker or dead') };
  return { who, ...(await WORKERS[step.verb]!(run, worker, step.args)) };
}

/** The worker of steps that name none is there from the first step on. */
export async function defaultWorker(run: LabRun): Promise<void> {
  if (!run.workers.has(DEFAULT_WORKER)) await run.spawn(DEFAULT_WORKER);
}
