import { accessRange } from '../../kernel/fault.ts';
import type { Vma } from '../../kernel/vma.ts';
import type { StepArgs } from '../../scenario/types.ts';
import { PAGE_SIZE, pagesFor } from '../../units/pages.ts';
import { done, failed, type Outcome } from '../outcome.ts';
import type { Worker } from '../worker.ts';
import type { World } from '../world.ts';
import { addressOf, findObject, usage } from './objects.ts';

/**
 * Reads another process's memory (mm/process_vm_access.c; with `force` as ptrace and /proc/PID/mem: FOLL_FORCE overrides protection where
 * VM_MAYREAD is set, mm/gup.c:check_vma_flags). Bytes read up to the first page that can't be had; EFAULT where that is none.
 */
export function peek(world: World, worker: Worker, args: StepArgs['peek']): Outcome {
  const target = world.workers.get(args.worker);
  if (!target?.process.mm) return failed('ESRCH');
  // ptrace_may_access: a plain user may not look into root's processes.
  if (worker.process.uid !== 0 && target.process.uid === 0) return failed('EPERM');
  const object = findObject(target, args.name);
  const start = object && addressOf(target, object);
  if (start === undefined || start === null) return usage();
  const from = start + Math.floor(args.offset / PAGE_SIZE);
  const end = from + pagesFor(args.bytes);
  let at = from;
  for (const vma of target.process.mm.overlapping(from, end)) {
    const to = Math.min(end, vma.end);
    if (vma.start > at || !isReadable(vma, args.force)) break;
    if (vma.isShadow) {
      const words = `${worker.name} read private memory of ${target.name} through its shadow VMA`;
      world.report('hazard', 'host-map', words);
    } else if (accessRange(world.kernel, target.task, at, to - at, false)) break;
    at = to;
  }
  return at === from ? failed('EFAULT') : done(Math.min(args.bytes, (at - from) * PAGE_SIZE));
}

function isReadable({ isShadow, prot, extraFlags }: Vma, force: boolean): boolean {
  if (extraFlags.includes('io') || extraFlags.includes('pf')) return false;
  return prot.startsWith('r') || (force && (!isShadow || extraFlags.includes('mr')));
}
