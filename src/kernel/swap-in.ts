import type { AccessResult } from './fault.ts';
import { markDirty } from './folio-flags.ts';
import type { FolioClass } from './folio-class.ts';
import { accountFolios, allocateFolios, type FolioAnswer } from './folios.ts';
import type { Inode } from './inode.ts';
import type { Kernel } from './kernel.ts';
import type { Memcg } from './memcg.ts';
import { chunkOf } from './memory-pressure.ts';
import type { Mm } from './mm.ts';
import { forEachLane, type FrameRun } from './page-allocator.ts';
import { mapFrames } from './rmap.ts';
import { addToSwapCache, dropSwapCache, freeSlots } from './swap-cache.ts';
import { putSlots } from './swap-slots.ts';
import type { Task } from './task.ts';
import { indexOf, type Vma } from './vma.ts';

/** Consecutive pages whose slots are alike; `frames` where the swap cache still has them. */
interface Wanted {
  at: number;
  slot: number;
  count: number;
  folioClass: FolioClass;
  /** Entries that stand for each slot. */
  refs: number;
  frames: { period: number; lanes: readonly number[] } | null;
}

/**
 * Brings anonymous pages of a range back (mm/memory.c:do_swap_page). The group that pays is the one that paid for the slot. A page that is only
 * read stays in the swap cache while there is plenty of swap; a write gives the slot up, or copies where others have the slot, too.
 */
export function swapInAnonymous(
  kernel: Kernel,
  task: Task,
  mm: Mm,
  vma: Vma,
  vpn: number,
  count: number,
  isWrite: boolean,
): AccessResult {
  const end = vpn + count;
  // Reclaim may send away what lies ahead: the range is looked at anew then.
  for (let at = vpn; at < end;) {
    const written = kernel.vmEvents['pswpout'];
    for (const wanted of wantedIn(kernel, mm.swapped, at, end - at)) {
      const failed = bringBack(kernel, task, mm, vma, wanted, isWrite);
      if (failed) return failed;
      at = wanted.at + wanted.count;
      if (kernel.vmEvents['pswpout'] !== written) break;
    }
    if (kernel.vmEvents['pswpout'] === written) break;
  }
  return null;
}

/** Whether some page of a range is in its slot alone, not in the swap cache. */
export function mustBeRead(kernel: Kernel, swapped: Mm['swapped'], at: number, count: number): boolean {
  return swapped.size > 0 && wantedIn(kernel, swapped, at, count).some(({ frames }) => frames === null);
}

/** One stretch of pages. */
function bringBack(
  kernel: Kernel,
  task: Task,
  mm: Mm,
  vma: Vma,
  wanted: Wanted,
  isWrite: boolean,
): AccessResult {
  // Others still have the slot: whoever writes gets a copy.
  const isCopied = isWrite && wanted.refs > 1;
  if (wanted.frames && !isCopied) {
    const { period, lanes } = wanted.frames;
    install(kernel, mm, wanted, { count: wanted.count, period, lanes: [...lanes] }, isWrite);
    return null;
  }
  const isGivenUpAtOnce = wanted.refs === 1 && isSwapFull(kernel, wanted.folioClass.memcg);
  let { at, slot } = wanted;
  const end = at + wanted.count;
  while (at < end) {
    const memcg = isCopied ? null : payerOf(wanted);
    const answer: FolioAnswer = allocateFolios(kernel, task, {
      kind: 'anon',
      inode: null,
      policy: vma.policy ?? task.policy,
      ilx: (vma.file?.kind === 'shmem' ? vma.file.ino : 0) + indexOf(vma, at),
      count: chunkOf(memcg ?? task.process.memcg, end - at),
      // Whoever gives the slot up has nothing else to read the page from (mm/swapfile.c:folio_free_swap).
      dirty: isWrite || isGivenUpAtOnce,
      memcg,
    });
    for (const run of answer.runs) {
      if (isCopied) {
        takeEntries(mm, at, run.count);
        putSlots(kernel, slot, run.count);
        mapFrames(kernel, mm, at, run.count, run.period, run.lanes);
      } else {
        install(kernel, mm, { ...wanted, at, slot, count: run.count }, run, isWrite);
        countRefaults(kernel, wanted.folioClass.memcg, slot, run);
      }
      at += run.count;
      slot += run.count;
    }
    countSwapIn(kernel, wanted.folioClass.memcg, answer.count);
    if (answer.failed) return answer.failed;
  }
  return null;
}

/** Maps frames in place of swap entries, and lets the slots go or keeps them with the frames. */
function install(kernel: Kernel, mm: Mm, wanted: Wanted, run: FrameRun, isWrite: boolean): void {
  const { at, slot, count, refs } = wanted;
  takeEntries(mm, at, count);
  kernel.swap.slots.addMaps(slot, count, -1, () => undefined);
  mapFrames(kernel, mm, at, count, run.period, run.lanes);
  const isGivenUp = refs === 1 && (isWrite || isSwapFull(kernel, wanted.folioClass.memcg));
  if (wanted.frames) {
    if (!isGivenUp) return;
    forEachLane(count, run.period, run.lanes, (pfn, n) => {
      dropSwapCache(kernel, pfn, n);
      markDirty(kernel, pfn, n);
    });
    return;
  }
  if (isGivenUp) {
    freeSlots(kernel, slot, count);
    return;
  }
  let lane = 0;
  forEachLane(count, run.period, run.lanes, (pfn, n) => {
    for (let k = 0; k < n; k += run.period === 1 ? n : 1) {
      addToSwapCache(kernel, pfn + k, slot + lane + k * run.period, run.period === 1 ? n : 1);
    }
    lane++;
  });
}

function takeEntries(mm: Mm, vpn: number, count: number): void {
  mm.swapped.clear(vpn, count);
  mm.rss.swap -= count;
}

/** mm/swap_state.c:mem_cgroup_swap_full: swap space, or what a group may have of it, is half used. */
function isSwapFull(kernel: Kernel, memcg: Memcg): boolean {
  if (kernel.swap.isFull) return true;
  for (let group: Memcg | null = memcg; group; group = group.parent) {
    if (group.swapMax !== null && group.swapUsage * 2 >= group.swapMax) return true;
  }
  return false;
}

/** Brings pages of a tmpfs file back into its page cache (mm/shmem.c:shmem_swapin_folio); their slots are free then. */
export function swapInShmem(
  kernel: Kernel,
  task: Task,
  inode: Inode,
  index: number,
  count: number,
): FolioAnswer['failed'] {
  for (const wanted of wantedIn(kernel, inode.swapped, index, count)) {
    if (wanted.frames) {
      returnToFile(kernel, inode, wanted, wanted.frames);
      continue;
    }
    let { at, slot } = wanted;
    const end = at + wanted.count;
    while (at < end) {
      const memcg = payerOf(wanted);
      const found = inode.policy.lookup(at);
      const n = Math.min(end, found.end) - at;
      const answer: FolioAnswer = allocateFolios(kernel, task, {
        kind: 'shmem',
        inode,
        policy: found.policy ?? task.policy,
        ilx: inode.ino + at,
        count: chunkOf(memcg ?? task.process.memcg, n),
        dirty: true,
        memcg,
      });
      for (const run of answer.runs) {
        inode.swapped.clear(at, run.count);
        inode.cache.setRun(at, run.count, run.period, run.lanes);
        if (!inode.reservesWhole) kernel.committed -= run.count;
        putSlots(kernel, slot, run.count);
        countRefaults(kernel, wanted.folioClass.memcg, slot, run);
        at += run.count;
        slot += run.count;
      }
      countSwapIn(kernel, wanted.folioClass.memcg, answer.count);
      if (answer.failed) return answer.failed;
    }
  }
  return null;
}

/** Frames that waited in the swap cache are the file's again. */
function returnToFile(
  kernel: Kernel,
  inode: Inode,
  { at, slot, count }: Wanted,
  { period, lanes }: { period: number; lanes: readonly number[] },
): void {
  forEachLane(count, period, lanes, (pfn, n) => {
    dropSwapCache(kernel, pfn, n, true);
    const pieces: { start: number; pages: number; folioClass: FolioClass }[] = [];
    kernel.frames.forEach(pfn, n, (start, pages, id) => {
      pieces.push({ start, pages, folioClass: kernel.classes.get(id) });
    });
    for (const { start, pages, folioClass } of pieces) {
      const { memcg, allocator, age } = folioClass;
      const back = kernel.classes.of('shmem', inode, memcg, allocator, true, false, 0, age);
      accountFolios(kernel, folioClass, kernel.nidOf(start), -pages);
      accountFolios(kernel, back, kernel.nidOf(start), pages);
      kernel.frames.reclass(start, pages, () => back.id);
    }
  });
  inode.swapped.clear(at, count);
  inode.cache.setRun(at, count, period, lanes);
  if (!inode.reservesWhole) kernel.committed -= count;
  putSlots(kernel, slot, count);
}

/** The slot's group pays again, if it is still there (mm/memcontrol.c:mem_cgroup_swapin_charge_folio); null: the task's. */
const payerOf = ({ folioClass: { memcg } }: Wanted): Memcg | null => (memcg.isDying ? null : memcg);

function countSwapIn(kernel: Kernel, memcg: Memcg, pages: number): void {
  kernel.event('pswpin', pages);
  memcg.vmEvent('pswpin', pages);
}

/** mm/vmscan.c:lru_gen_refault: pages that reclaim took not long ago are active at once, where they come back to the node that they left. */
function countRefaults(kernel: Kernel, memcg: Memcg, slot: number, run: FrameRun): void {
  for (const [nid, n] of kernel.swap.knownAgain(slot, run.count, run, (pfn) => kernel.nidOf(pfn))) {
    for (const item of [
      'workingset_refault_anon',
      'workingset_activate_anon',
      'workingset_restore_anon',
    ] as const) {
      memcg.add(item, nid, n);
      kernel.event(item, n);
    }
  }
}

/** Swap entries of a range in stretches that are alike. */
function wantedIn(kernel: Kernel, map: Mm['swapped'], at: number, count: number): Wanted[] {
  const out: Wanted[] = [];
  const { slots, frameOf } = kernel.swap;
  map.forEach(at, count, (from, n, period, lanes) => {
    for (let k = 0; k < n; k += period === 1 ? n : 1) {
      const first = lanes[k % period]! + Math.floor(k / period);
      slots.forEach(first, period === 1 ? n : 1, (slot, m, id, refs) => {
        const folioClass = kernel.classes.get(id);
        const add = (s: number, length: number, frames: Wanted['frames']): void => {
          out.push({ at: from + k + s - first, slot: s, count: length, folioClass, refs, frames });
        };
        frameOf.forEachGap(slot, m, (s, length) => add(s, length, null));
        frameOf.forEach(slot, m, (s, length, p, l) => add(s, length, { period: p, lanes: [...l] }));
      });
    }
  });
  return out.sort((a, b) => a.at - b.at);
}
