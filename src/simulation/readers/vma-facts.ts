import { type FolioClass, REFERENCED } from '../../kernel/folio-class.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { policyText } from '../../kernel/mempolicy.ts';
import { vmaPolicy } from '../../kernel/vma-policy.ts';
import { forEachLevel } from '../../kernel/huge-maps.ts';
import { isShmemAllowed } from '../../kernel/shmem-huge.ts';
import { isThpAllowed } from '../../kernel/thp.ts';
import { forEachLane } from '../../kernel/page-allocator.ts';
import { forEachMapping } from '../../kernel/rmap.ts';
import { cachedRuns } from '../../kernel/swap-cache.ts';
import type { Process } from '../../kernel/task.ts';
import { indexOf, type Vma } from '../../kernel/vma.ts';
import { emptySmaps, type SmapsFacts, type VmaFacts } from '../../procfs/facts.ts';
import { PAGE_SIZE, PAGES_PER_PMD } from '../../units/pages.ts';
import type { World } from '../world.ts';
import { gatherHugetlb, HUGE_PAGE_KB } from './hugetlb-facts.ts';

/** Bits of Pss below one byte (fs/proc/task_mmu.c:PSS_SHIFT). */
const PSS_SCALE = 4096;

/** What maps, smaps and numa_maps say of every VMA of a process, ascending. */
export function vmaFacts(world: World, process: Process): VmaFacts[] {
  return process.mm!.vmas.filter((vma) => !vma.isHidden).map((vma) => oneVma(world, process, vma));
}

function oneVma(world: World, process: Process, vma: Vma): VmaFacts {
  const { kernel } = world;
  const { numa, smaps } = vma.hugetlb ? gatherHugetlb(kernel, process, vma) : gather(kernel, process, vma);
  const pageKb = vma.hugetlb ? HUGE_PAGE_KB : 4;
  return {
    start: vma.start * PAGE_SIZE,
    end: vma.end * PAGE_SIZE,
    perms: `${vma.prot}${vma.shared ? 's' : 'p'}`,
    offset: vma.file ? vma.pgoff * PAGE_SIZE : 0,
    dev: vma.file?.dev ?? '00:00',
    inode: vma.file?.ino ?? 0,
    name: vma.file?.path ?? vma.name,
    hasFile: vma.file !== null,
    policy: policyText(vmaPolicy(vma) ?? process.main.policy),
    vmFlags: vmFlags(world, vma),
    hugetlb: vma.hugetlb !== null,
    kernelPageKb: pageKb,
    mmuPageKb: pageKb,
    thpEligible: isThpEligible(world, vma) ? 1 : 0,
    numa,
    smaps,
  };
}

/** What a walk of the VMA's page-table entries adds up (smaps_account, gather_pte_stats). */
function gather(kernel: Kernel, process: Process, vma: Vma): Pick<VmaFacts, 'numa' | 'smaps'> {
  const numa: VmaFacts['numa'] = {
    pages: 0,
    anon: 0,
    dirty: 0,
    mapMax: 0,
    swapcache: 0,
    active: 0,
    writeback: 0,
    nodes: kernel.nodes.map(() => 0),
  };
  const smaps = emptySmaps();
  forEachLevel(process.mm!, vma.start, vma.end - vma.start, (_, n, isHuge) => {
    if (!isHuge || vma.isShadow) return;
    if (vma.file) smaps.shmemPmd += n * PAGE_SIZE;
    else smaps.anonHuge += n * PAGE_SIZE;
  });
  forEachMapping(process.mm!, vma, vma.start, vma.end - vma.start, (_, n, period, lanes) => {
    forEachLane(n, period, lanes, (pfn, length) => {
      kernel.frames.forEach(pfn, length, (start, pages, id, maps) => {
        const folioClass = kernel.classes.get(id);
        const nid = kernel.nidOf(start);
        numa.pages += pages;
        numa.nodes[nid] = numa.nodes[nid]! + pages;
        if (folioClass.kind === 'anon') numa.anon += pages;
        if (folioClass.dirty) numa.dirty += pages;
        // Unevictable folios count as active.
        if (folioClass.kind === 'gmem' || folioClass.mlocked) numa.active += pages;
        numa.mapMax = Math.max(numa.mapMax, maps);
        addSmaps(smaps, folioClass, pages, maps, folioClass.dirty);
        for (const { count } of cachedRuns(kernel, start, pages)) numa.swapcache += count;
        const isYoung = wasTouched(kernel, folioClass) && (!vma.isShadow || kernel.profile.gmemReferenced);
        if (isYoung) smaps.referenced += pages * PAGE_SIZE;
      });
    });
  });
  const { pt, oldPages, cleanedPages } = process.mm!;
  oldPages.forEachRun(vma.start, vma.end - vma.start, (at, count) => {
    pt.forEach(at, count, (_, n, period, lanes) => {
      forEachLane(n, period, lanes, (pfn, length) => {
        kernel.frames.forEach(pfn, length, (_start, pages, id) => {
          const folioClass = kernel.classes.get(id);
          if ((folioClass.marks & REFERENCED) === 0 && wasTouched(kernel, folioClass))
            smaps.referenced -= pages * PAGE_SIZE;
        });
      });
    });
  });
  cleanedPages.forEachRun(vma.start, vma.end - vma.start, (at, count) => {
    pt.forEach(at, count, (_, n, period, lanes) => {
      forEachLane(n, period, lanes, (pfn, length) => {
        kernel.frames.forEach(pfn, length, (_start, pages, id, maps) => {
          const folioClass = kernel.classes.get(id);
          if (!folioClass.dirty) return;
          numa.dirty -= pages;
          addSmaps(smaps, folioClass, -pages, maps, true);
          addSmaps(smaps, folioClass, pages, maps, false);
        });
      });
    });
  });
  addSwap(smaps, kernel, process, vma);
  if (vma.isLocked) smaps.locked = Math.floor(smaps.pss / PSS_SCALE);
  return { numa, smaps };
}

/** Swapped pages: of the page table, by the share in their slots; of a tmpfs file, those of its range (fs/proc/task_mmu.c:smap_gather_stats). */
function addSwap(smaps: SmapsFacts, kernel: Kernel, process: Process, vma: Vma): void {
  const { swapped } = process.mm!;
  if (vma.file?.kind === 'shmem') {
    vma.file.swapped.forEach(indexOf(vma, vma.start), vma.end - vma.start, (_, n) => {
      smaps.swap += n * PAGE_SIZE;
    });
  }
  swapped.forEach(vma.start, vma.end - vma.start, (_, n, period, lanes) => {
    smaps.swap += n * PAGE_SIZE;
    forEachLane(n, period, lanes, (slot, length) => {
      kernel.swap.slots.forEach(slot, length, (_slot, pages, _id, refs) => {
        smaps.swapPss += Math.floor((PAGE_SIZE * PSS_SCALE) / refs) * pages;
      });
    });
  });
}

/** The accessed bits that a scan cleared, or giving the memory up, and no access has set since. */
const wasTouched = (kernel: Kernel, { age, dirty }: FolioClass): boolean =>
  age !== 'old' && (age !== 'lazy' || dirty || !kernel.profile.freeClearsYoung);

function addSmaps(
  smaps: SmapsFacts,
  folioClass: FolioClass,
  pages: number,
  maps: number,
  isDirty: boolean,
): void {
  const bytes = pages * PAGE_SIZE;
  const pss = Math.floor((PAGE_SIZE * PSS_SCALE) / maps) * pages;
  smaps.rss += bytes;
  smaps.pss += pss;
  if (isDirty) smaps.pssDirty += pss;
  if (folioClass.kind === 'anon') {
    smaps.anonymous += bytes;
    if (folioClass.age === 'lazy' && !isDirty) smaps.lazyFree += bytes;
    smaps.pssAnon += pss;
  } else if (folioClass.kind === 'shmem') smaps.pssShmem += pss;
  else smaps.pssFile += pss;
  if (maps < 2) {
    if (isDirty) smaps.privateDirty += bytes;
    else smaps.privateClean += bytes;
  } else if (isDirty) smaps.sharedDirty += bytes;
  else smaps.sharedClean += bytes;
}

/** Two-letter codes in the order of the bits of vm_flags. */
function vmFlags(world: World, vma: Vma): string[] {
  const codes: string[] = [];
  const add = (when: boolean, code: string): void => {
    if (when) codes.push(code);
  };
  add(vma.prot[0] === 'r', 'rd');
  add(vma.prot[1] === 'w', 'wr');
  add(vma.prot[2] === 'x', 'ex');
  add(vma.shared, 'sh');
  const own = vma.extraFlags;
  if (vma.isShadow) for (const code of ['mr', 'mw', 'pf']) add(own.includes(code), code);
  else {
    codes.push('mr', 'mw');
    // Anonymous inodes sit on a mount without exec.
    add(vma.file?.kind !== 'gmem', 'me');
    add(vma.shared, 'ms');
  }
  add(vma.isLocked, 'lo');
  for (const code of ['io', 'sr', 'rr', 'dc', 'de', 'lf']) add(own.includes(code), code);
  add(vma.isAccounted, 'ac');
  add(own.includes('nr'), 'nr');
  add(own.includes('ht'), 'ht');
  add(own.includes('dd'), 'dd');
  add(world.kernel.profile.softDirty, 'sd');
  for (const code of ['mm', 'hg', 'nh', 'mg', 'sl']) add(own.includes(code), code);
  return codes;
}

/** mm/huge_memory.c:__thp_vma_allowable_orders for a PMD, as smaps asks it: anonymous memory must have room for a block. */
function isThpEligible({ kernel }: World, vma: Vma): boolean {
  if (vma.file) return vma.file.kind === 'shmem' && isShmemAllowed(kernel, vma.file, vma);
  const first = Math.ceil(vma.start / PAGES_PER_PMD) * PAGES_PER_PMD;
  if (first + PAGES_PER_PMD > vma.end) return false;
  return vma.name === '' && isThpAllowed(kernel, vma);
}
