import { didYouMean } from '../units/closest-name.ts';
import type { Hooks } from './contract.ts';

/** Every hook that the engine calls; a name that is missing here is a type error. */
const HOOKS: Readonly<Record<keyof Hooks, true>> = {
  gmemCreated: true,
  gmemReleased: true,
  slotBound: true,
  slotDeleted: true,
  choosePolicy: true,
  chargeTo: true,
  folioAllocated: true,
  folioFreed: true,
  faulting: true,
  tdpMapped: true,
  tdpZapped: true,
  rootMapped: true,
  rootZapped: true,
  converted: true,
  taskMoved: true,
  forked: true,
  exiting: true,
  policyWish: true,
  fileWish: true,
  policyQuery: true,
  oomPages: true,
  statusLines: true,
  fdinfoLines: true,
  procFiles: true,
  isWorldReadable: true,
  mayMigrate: true,
  migrateFolio: true,
  folioMoved: true,
  shadowUnmapped: true,
  shadowIsMigratable: true,
  allocatesMovable: true,
};

/** Names of the hooks, in the order of an object's life. */
export const HOOK_NAMES: readonly string[] = Object.keys(HOOKS);

/** What is wrong with what a part's `create` returned; empty when it is an object of hooks. */
export function checkHooks(value: unknown): string[] {
  const prototype: unknown =
    typeof value === 'object' && value !== null ? Object.getPrototypeOf(value) : undefined;
  if (prototype !== null && prototype !== Object.prototype) {
    return [`create() must return a plain object of hooks, returned ${describe(value)}`];
  }
  return Object.entries(value as object).flatMap(([name, hook]) => {
    if (!Object.hasOwn(HOOKS, name)) {
      return [
        `create() returned "${name}", which is no hook${didYouMean(name, HOOK_NAMES)} (${HOOK_NAMES.join(', ')})`,
      ];
    }
    return typeof hook === 'function' || hook === undefined
      ? []
      : [`create() returned ${describe(hook)} as hook "${name}", must be a function`];
  });
}

/** A value in a message: texts and numbers as they are, others by their kind. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'string') return `"${value}"`;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
