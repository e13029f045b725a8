import { exitProcess } from '../../kernel/process.ts';
import { failed, type Outcome } from '../outcome.ts';
import type { Worker } from '../worker.ts';
import type { World } from '../world.ts';

const SIGNALS = { SIGBUS: 7, SIGKILL: 9, SIGSEGV: 11 } as const;

/** A signal ends the worker in the middle of a step: its controller sees the connection break. */
export function killByFault(world: World, worker: Worker, signal: keyof typeof SIGNALS): Outcome {
  exitProcess(world.kernel, worker.process);
  return failed('ECONNRESET', `worker died signal=${SIGNALS[signal]}`);
}
