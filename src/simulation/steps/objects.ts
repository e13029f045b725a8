import type { Inode } from '../../kernel/inode.ts';
import type { ObjectKind } from '../../scenario/types.ts';
import type { Worker, WorkerObject } from '../worker.ts';

/** The object a script names; a script that names none of the worker's is told so (the rig answers EINVAL "usage"). */
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
