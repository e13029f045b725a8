import { indexOf, type Vma } from '../../kernel/vma.ts';
import type { Inode } from '../../kernel/inode.ts';
import type { ObjectKind } from '../../scenario/types.ts';
import { failed, type Outcome } from '../outcome.ts';
import type { Worker, WorkerObject } from '../worker.ts';

/** What a test agent answers when a script names an object that the worker does not have. */
export const usage = (): Outcome => failed('EINVAL', 'usage');

/** The object that a script names. */
export function findObject(worker: Worker, name: string): WorkerObject | undefined {
  return worker.objects.get(name);
}

/**
 * Page address of an object in the worker's address space: where it mapped it, or where a shadow VMA stands for it. The latter is what a
 * program finds in its own maps, and may call anything on that takes an address.
 */
export function addressOf(worker: Worker, object: WorkerObject): number | null {
  if (object.vpn !== null) return object.vpn;
  const [first] = shadowsOf(worker, object);
  return first ? first.start - first.pgoff : null;
}

/** How far the shadow VMAs of an object reach in its file, in pages. */
export const shadowPages = (worker: Worker, object: WorkerObject): number =>
  Math.max(0, ...shadowsOf(worker, object).map((vma) => indexOf(vma, vma.end)));

function shadowsOf({ process: { mm } }: Worker, { inode }: WorkerObject): Vma[] {
  return [...(inode?.mappings ?? [])]
    .filter((link) => link.mm === mm && link.vma.isShadow)
    .map(({ vma }) => vma)
    .sort((a, b) => a.pgoff - b.pgoff);
}

/** Registers an object under its name; an older one of that name is forgotten, not closed. */
export function addObject(
  worker: Worker,
  name: string,
  kind: ObjectKind | 'anon',
  inode: Inode | null,
  fd: number,
  pages: number,
): WorkerObject {
  const object: WorkerObject = { name, kind, inode, fd, vpn: null, pages, mappedPages: 0 };
  worker.objects.set(name, object);
  return object;
}
