import type { FolioClass } from '../../kernel/folio-class.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { policyText } from '../../kernel/mempolicy.ts';
import { forEachLane } from '../../kernel/page-allocator.ts';
import { forEachMapping } from '../../kernel/rmap.ts';
import type { Process } from '../../kernel/task.ts';
import { indexOf, type Vma } from '../../kernel/vma.ts';
import { emptySmaps, type SmapsFacts, type VmaFacts } from '../../procfs/facts.ts';
import { PAGE_SIZE, PAGES_PER_PMD } from '../../units/pages.ts';
import type { World } from '../world.ts';

/** Bits of Pss below one byte (fs/proc/task_mmu.c:PSS_SHIFT). */
const PSS_SCALE = 4096;

/** What maps, smaps and numa_maps say of every VMA of a process, ascending. */
export function vmaFacts(world: World, process: Process): VmaFacts[] {
  return process.mm!.vmas.filter((vma) => !vma.isHidden).map((vma) => oneVma(world, process, vma));
}

function oneVma(world: World, process: Process, vma: Vma): VmaFacts {
  const { kernel } = world;
  const { numa, smaps } = gather(kernel, process, vma);
  return {
    start: vma.start * PAGE_SIZE,
    end: vma.end * PAGE_SIZE,
    perms: `${vma.prot}${vma.shared ? 's' : 'p'}`,
    offset: vma.file ? vma.pgoff * PAGE_SIZE : 0,
    dev: vma.file?.dev ?? '00:00',
    inode: vma.file?.ino ?? 0,
    name: vma.file?.path ?? vma.name,
    hasFile: vma.file !== null,
    policy: policyText(policyAtStart(vma) ?? process.main.policy),
    vmFlags: vmFlags(world, vma),
    hugetlb: false,
    kernelPageKb: 4,
    mmuPageKb: 4,
    thpEligible: isThpEligible(world, vma) ? 1 : 0,
    numa,
    smaps,
  };
}

/** fs/proc/task_mmu.c:show_numa_map: the file's shared policy where it has one, else the VMA's own, at the VMA's start. */
function policyAtStart(vma: Vma): Vma['policy'] {
  const { file } = vma;
  if (file && (file.kind === 'shmem' || !file.policy.isEmpty)) {
    const found = file.policy.lookup(indexOf(vma, vma.start)).policy;
    if (found || file.kind === 'shmem') return found;
  }
  return vma.policy;
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
        addSmaps(smaps, folioClass, pages, maps);
        if (!vma.isShadow || kernel.profile.gmemReferenced) smaps.referenced += pages * PAGE_SIZE;
      });
    });
  });
  if (vma.isLocked) smaps.locked = Math.floor(smaps.pss / PSS_SCALE);
  return { numa, smaps };
}

function addSmaps(smaps: SmapsFacts, folioClass: FolioClass, pages: number, maps: number): void {
  const bytes = pages * PAGE_SIZE;
  const pss = Math.floor((PAGE_SIZE * PSS_SCALE) / maps) * pages;
  smaps.rss += bytes;
  smaps.pss += pss;
  if (folioClass.dirty) smaps.pssDirty += pss;
  if (folioClass.kind === 'anon') {
    smaps.anonymous += bytes;
    smaps.pssAnon += pss;
  } else if (folioClass.kind === 'shmem') smaps.pssShmem += pss;
  else smaps.pssFile += pss;
  if (maps < 2) {
    if (folioClass.dirty) smaps.privateDirty += bytes;
    else smaps.privateClean += bytes;
  } else if (folioClass.dirty) smaps.sharedDirty += bytes;
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
  if (!vma.isShadow) {
    codes.push('mr', 'mw');
    // Anonymous inodes sit on a mount without exec.
    add(vma.file?.kind !== 'gmem', 'me');
    add(vma.shared, 'ms');
  }
  add(vma.isLocked, 'lo');
  const own = vma.extraFlags;
  for (const code of ['sr', 'rr', 'dc', 'de', 'lf']) add(own.includes(code), code);
  add(vma.isAccounted, 'ac');
  add(own.includes('nr'), 'nr');
  add(own.includes('dd'), 'dd');
  add(world.kernel.profile.softDirty, 'sd');
  for (const code of ['hg', 'nh', 'mg']) add(own.includes(code), code);
  return codes;
}

/** mm/huge_memory.c:thp_vma_allowable_order for a PMD, of anonymous memory. */
function isThpEligible(world: World, vma: Vma): boolean {
  if (vma.file || vma.name !== '' || vma.extraFlags.includes('nh')) return false;
  const { thp } = world.scenario.machine;
  if (thp === 'never' || (thp === 'madvise' && !vma.extraFlags.includes('hg'))) return false;
  const first = Math.ceil(vma.start / PAGES_PER_PMD) * PAGES_PER_PMD;
  return first + PAGES_PER_PMD <= vma.end;
}
