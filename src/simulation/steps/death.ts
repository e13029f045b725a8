import { done, failed, type Outcome } from '../outcome.ts';
import type { Worker } from '../worker.ts';
import type { World } from '../world.ts';
import { signalName } from './signals.ts';

const SIGNALS = { SIGBUS: 7, SIGKILL: 9, SIGSEGV: 11 } as const;

/** A signal ends the worker in the middle of a step: its controller sees the connection break. */
export function killByFault(world: World, worker: Worker, signal: keyof typeof SIGNALS): Outcome {
  worker.process.killedBy ??= `signal ${SIGNALS[signal]}`;
  world.kernel.exitProcess(worker.process);
  return noticed(worker);
}

/** What the controller makes of a connection that broke: it reaps a child of its own, and knows no more of a grandchild. */
export function noticed(worker: Worker): Outcome {
  worker.isReaped = true;
  const signal = signalOf(worker);
  const how = worker.isForked || signal === null ? '' : `: signal ${signal} (${signalName(signal)})`;
  return failed('ECONNRESET', `worker died${how}`);
}

/** What `wait` returns, which gives a worker up that is no child of the controller, dead or alive. */
export function waitedFor(worker: Worker): Outcome {
  if (worker.isReaped) return done(0, 'already reaped');
  if (worker.process.isAlive && !worker.isForked) return failed('ETIMEDOUT', 'still alive after 5 s');
  worker.isReaped = true;
  if (worker.isForked) return failed('ECHILD', 'exited 0');
  const signal = signalOf(worker);
  return done(0, signal === null ? 'exited 0' : `signaled ${signal}`);
}

/** The signal that ended a worker; the OOM killer sends SIGKILL. */
function signalOf({ process: { killedBy } }: Worker): number | null {
  if (killedBy === null) return null;
  return killedBy.startsWith('signal ') ? Number(killedBy.slice(7)) : SIGNALS.SIGKILL;
}

/** waitpid(2) for any child. One that is alive keeps its parent waiting until the controller gives up. */
export function reapAny(world: World, parent: Worker): Outcome {
  const children = [...world.workers.values()].filter((one) => one.parent === parent && !one.isGone);
  const dead = children.find(({ process }) => !process.isAlive);
  if (dead) {
    dead.isGone = true;
    return done(dead.process.pid, `status=0x${(signalOf(dead) ?? 0).toString(16)}`);
  }
  if (children.length === 0) return failed('ECHILD');
  parent.isReaped = true;
  return failed('ECONNRESET', 'worker died');
}

/** Whether the number of a worker is free again: its parent, or the first process in a dead parent's place, has waited for it. */
export function isGone({ process, parent, isReaped, isGone: wasReaped }: Worker): boolean {
  if (process.isAlive) return false;
  return parent ? wasReaped || !parent.process.isAlive : isReaped;
}
