import { prepareAnonVma } from '../kernel/anon-vma.ts';
import { ensureCgroup } from '../kernel/cgroups.ts';
import { allocateFolios } from '../kernel/folios.ts';
import { mmap } from '../kernel/mmap.ts';
import { NO_INTERLEAVE_INDEX } from '../kernel/page-allocator.ts';
import { spawnProcess } from '../kernel/process.ts';
import { mapFrames } from '../kernel/rmap.ts';
import { allocateAccounted } from '../kernel/accounted-pages.ts';
import type { Process } from '../kernel/task.ts';
import type { ImageVma, ProcessSpec } from '../scenario/types.ts';
import { PAGE_SIZE } from '../units/pages.ts';
import { growBackground } from './background.ts';
import { Worker } from './worker.ts';
import type { World } from './world.ts';

/** The worker of a step that names none. */
export const DEFAULT_WORKER = 'w0';

/** A worker that the scenario says nothing about: on CPU 0, in the root cgroup, with an empty address space. */
const PLAIN: ProcessSpec = { comm: 'worker', cmdline: ['/bin/worker'], pid: 0, cgroup: '/', image: [] };

/** Starts the process behind a worker's name, as the scenario describes it. */
export function startWorker(world: World, name: string): Worker {
  const spec = world.scenario.processes[name] ?? PLAIN;
  const { kernel } = world;
  const process = spawnProcess(kernel, {
    worker: name,
    comm: spec.comm,
    cmdline: spec.cmdline,
    pid: spec.pid,
    cgroup: ensureCgroup(kernel, spec.cgroup),
    cpu: kernel.cpuNode.findIndex((nid) => nid !== undefined),
  });
  for (const vma of spec.image) mapImage(world, process, vma);
  const worker = new Worker({ name, process });
  world.workers.set(name, worker);
  return worker;
}

/** Files of all programs are in the page cache before the first step, those included that a script starts later. */
export function readPrograms(world: World): void {
  const { kernel, scenario } = world;
  const images = Object.values(scenario.processes).flatMap((spec) => spec.image);
  kernel.nodes.forEach((_node, nid) => {
    let wanted = 0;
    for (const { resident, anonPages } of images) {
      // Anonymous pages are taken from the first nodes on.
      const before = resident.slice(0, nid).reduce((sum, pages) => sum + pages, 0);
      const here = resident[nid] ?? 0;
      wanted += here - Math.min(here, Math.max(0, anonPages - before));
    }
    const missing = wanted - kernel.background[nid]!.cache.size;
    if (missing > 0) growBackground(kernel, nid, missing);
  });
}

/** A VMA of the process's image with what is resident in it: file pages come from the machine's background page cache. */
function mapImage(world: World, process: Process, image: ImageVma): void {
  const { kernel } = world;
  const start = image.start / PAGE_SIZE;
  const pages = (image.end - image.start) / PAGE_SIZE;
  const hasFile = image.name !== '' && !image.name.startsWith('[');
  const file = hasFile
    ? kernel.newInode({
        kind: 'file',
        dev: image.dev,
        path: image.name,
        name: image.name,
        sizePages: image.offset / PAGE_SIZE + pages,
        ino: image.inode,
      })
    : null;
  const answer = mmap(kernel, process.mm!, {
    pages,
    prot: image.perms.slice(0, 3),
    shared: image.perms[3] === 's',
    file,
    pgoff: image.offset / PAGE_SIZE,
    at: start,
    noreserve: false,
    name: hasFile ? undefined : image.name,
    extraFlags: image.vmFlags,
  });
  if (typeof answer === 'string')
    throw new RangeError(`image of ${process.worker} at ${image.name}: ${answer}`);
  let anon = image.anonPages;
  let at = start;
  image.resident.forEach((resident, nid) => {
    const anonHere = Math.min(anon, resident);
    anon -= anonHere;
    at = placeAnonymous(world, process, at, anonHere, nid);
    at = placeCached(world, process, at, resident - anonHere, nid);
  });
  if (at > start + pages)
    throw new RangeError(`image of ${process.worker}: more resident than ${image.name} holds`);
}

function placeAnonymous(world: World, process: Process, at: number, count: number, nid: number): number {
  if (count === 0) return at;
  const { kernel } = world;
  addTables(world, process, at, count);
  prepareAnonVma(process.mm!.find(at)!);
  let vpn = at;
  while (vpn < at + count) {
    const answer = allocateFolios(kernel, process.main, {
      kind: 'anon',
      inode: null,
      policy: { mode: 'bind', flags: [], nodes: [nid] },
      ilx: NO_INTERLEAVE_INDEX,
      count: at + count - vpn,
      dirty: true,
    });
    for (const run of answer.runs) {
      mapFrames(kernel, process.mm!, vpn, run.count, run.period, run.lanes);
      vpn += run.count;
    }
    if (answer.failed) throw new RangeError(`image of ${process.worker}: node ${nid} is full`);
  }
  return vpn;
}

function placeCached(world: World, process: Process, at: number, count: number, nid: number): number {
  if (count === 0) return at;
  const { kernel } = world;
  addTables(world, process, at, count);
  const background = kernel.background[nid]!;
  let used = kernel.backgroundUsed[nid] ?? 0;
  const left = background.sizePages - used;
  let present = 0;
  background.cache.forEach(used, left, (_, n) => {
    present += n;
  });
  // Where reclaim has been the program is read in anew.
  if (present < left) used = growBackground(kernel, nid, count);
  else if (left < count) growBackground(kernel, nid, count - left);
  kernel.backgroundUsed[nid] = used + count;
  let vpn = at;
  background.cache.forEach(used, count, (_, n, period, lanes) => {
    mapFrames(kernel, process.mm!, vpn, n, period, lanes);
    vpn += n;
  });
  return vpn;
}

function addTables(world: World, process: Process, at: number, count: number): void {
  const mm = process.mm!;
  allocateAccounted(world.kernel, process.main, mm.tablePages, 'pagetables', mm.tables.add(at, count));
}
