import { done, failed, type Outcome } from '../outcome.ts';
import type { Worker } from '../worker.ts';
import type { World } from '../world.ts';

const SIGNALS = { SIGBUS: 7, SIGKILL: 9, SIGSEGV: 11 } as const;
/** Names without SIG of signals that end a process here. */
const NAMES: Readonly<Record<number, string>> = { 7: 'BUS', 9: 'KILL', 11: 'SEGV', 15: 'TERM', 25: 'XFSZ' };

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
  const how = worker.isForked || signal === null ? '' : `: signal ${signal} (${NAMES[signal]})`;
  return failed('ECONNRESET', `worker died${how}`);
}

/** What `wait` returns for a worker that is no more. */
export function waitedFor(worker: Worker): Outcome {
  if (worker.isReaped) return done(0, 'already reaped');
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
