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
