import type { Step, StepArgs, Verb } from '../../scenario/types.ts';
import type { Outcome } from '../outcome.ts';
import type { Worker } from '../worker.ts';
import type { World } from '../world.ts';

/** Runs one verb on behalf of a worker. */
export type WorkerHandler<V extends Verb> = (world: World, worker: Worker, args: StepArgs[V]) => Outcome;
/** Runs one verb of the controller. */
export type ControllerHandler<V extends Verb> = (world: World, args: StepArgs[V]) => Outcome;

export type WorkerHandlers<V extends Verb> = { [K in V]: WorkerHandler<K> };
export type ControllerHandlers<V extends Verb> = { [K in V]: ControllerHandler<K> };

/** Arguments of a step, as the handler of its verb takes them. */
export type ArgsOf<S extends Step> = S['args'];
