import type { ObjectKind } from '../../scenario/types.ts';

/** What a line of a random script may refer to, as the lines before have made it if the kernel let them. */
export interface KnownObject {
  name: string;
  kind: ObjectKind | 'anon';
  pages: number;
  isOpen: boolean;
  /** Pages of the mapping; 0 when not mapped. */
  mapped: number;
  /** Whether mmap(2) takes it: a gmem has a flag for that. */
  isMappable: boolean;
  /** Whether an access through the mapping can be served: a gmem has another flag for that. */
  isTouchable: boolean;
  /** Made of huge pages of the pool: ranges that the kernel takes are whole ones. */
  isHugetlb: boolean;
}

/** What a scenario is about beside what every one has. */
export interface Themes {
  /** Transparent huge pages are switched on. */
  thp: boolean;
  /** There is a pool of huge pages. */
  hugetlb: boolean;
  /** Limits of memory are low enough to bite. */
  limits: boolean;
  /** There is swap space. */
  swap: boolean;
  /** A tmpfs of its own is mounted. */
  mount: boolean;
}

/** A worker of a random script. */
export interface KnownWorker {
  name: string;
  /** Started by the controller, which can wait for it. */
  isChild: boolean;
  cgroup: string;
  objects: KnownObject[];
  /** Object at guest address 0, with its pages; null without a VM that can run. */
  guest: { code: string; pages: number } | null;
  hasVm: boolean;
}

/** Everything that a random script has made so far. */
export interface ScriptState {
  themes: Themes;
  workers: KnownWorker[];
  cgroups: string[];
  objectCount: number;
  workerCount: number;
  slotCount: number;
  vcpuCount: number;
}

export function emptyState(themes: Themes): ScriptState {
  return {
    themes,
    workers: [newWorker('w0', true)],
    cgroups: ['/'],
    objectCount: 0,
    workerCount: 1,
    slotCount: 0,
    vcpuCount: 0,
  };
}

export function newWorker(name: string, isChild: boolean): KnownWorker {
  return { name, isChild, cgroup: '/', objects: [], guest: null, hasVm: false };
}

/** What fork(2) hands to a child: objects and mappings, but no VM that it could use. */
export function forked(parent: KnownWorker, name: string): KnownWorker {
  const objects = parent.objects.map((object) => ({ ...object }));
  return { ...parent, name, isChild: false, objects, guest: null };
}

export const isFile = ({ kind, isOpen }: KnownObject): boolean => kind !== 'anon' && isOpen;
export const isMapped = ({ mapped }: KnownObject): boolean => mapped > 0;
export const isTouchable = (object: KnownObject): boolean => object.mapped > 0 && object.isTouchable;
