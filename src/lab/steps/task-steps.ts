import { asZero, ok } from '../lab-run.ts';
import { LabWorker } from '../lab-worker.ts';
import { CALL, mask, policyWords, struct } from '../system-calls.ts';
import type { WorkerSteps } from './step-handler.ts';

const RESOURCES = { data: 2, fsize: 1, rss: 5, memlock: 8, as: 9 } as const;
const PLAIN_USER = 1000;

/** Steps about the worker itself. */
export const TASK_STEPS: WorkerSteps<
  'noop' | 'exit' | 'mempolicy' | 'affinity' | 'rlimit' | 'dropcap' | 'oomadj' | 'fork' | 'reap'
> = {
  noop: async (run, worker) => run.ask(worker, 'touch', 0, 0, 'r'),
  exit: async (run, worker) => {
    const outcome = await run.ask(worker, 'exit');
    worker.isAlive = false;
    worker.isReaped = true;
    return outcome;
  },
  mempolicy: async (run, worker, policy) => run.call(worker, CALL.set_mempolicy, ...policyWords(policy)),
  affinity: async (run, worker, { cpu }) =>
    asZero(await run.call(worker, CALL.sched_setaffinity, 0, 8, mask([cpu]))),
  rlimit: async (run, worker, { resource, bytes }) =>
    run.call(worker, CALL.setrlimit, RESOURCES[resource], struct([8, bytes], [8, bytes])),
  dropcap: async (run, worker) => run.call(worker, CALL.setresuid, PLAIN_USER, PLAIN_USER, PLAIN_USER),
  oomadj: async (run, worker, { value }) => run.ask(worker, 'put', '/proc/self/oom_score_adj', value),
  fork: async (run, worker, { worker: name }) => {
    const outcome = await run.ask(worker, 'fork', name);
    if (outcome.ret > 0) run.workers.set(name, new LabWorker({ name, pid: outcome.ret, parent: worker }));
    return outcome;
  },
  reap: async (run, worker) => {
    const { message, ...outcome } = await run.call(worker, CALL.wait4, -1, '>4', 0, 0);
    if (outcome.ret < 0) return { ...outcome, message: '' };
    return ok(outcome.ret, `status=0x${Buffer.from(message, 'hex').readUInt32LE(0).toString(16)}`);
  },
};
