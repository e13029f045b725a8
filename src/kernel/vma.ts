import type { AnonVma } from './anon-vma.ts';
import type { HugetlbVma } from './hugetlb-vma.ts';
import type { Inode } from './inode.ts';
import type { LaneSet } from './lane-set.ts';
import type { Policy } from './mempolicy.ts';

/** One mapping of an address space (struct vm_area_struct). Addresses are virtual page numbers. */
export interface Vma {
  start: number;
  /** First page after it. */
  end: number;
  /** `rwx` with dashes; the fourth character of maps follows from `shared`. */
  prot: string;
  shared: boolean;
  file: Inode | null;
  /** Page offset in the file; for anonymous memory the address it was made at. */
  pgoff: number;
  /** vm_policy of the VMA itself; shared files keep theirs in the inode. */
  policy: Policy | null;
  /** Null until the first anonymous page. */
  anonVma: AnonVma | null;
  /** Name without a file: `[heap]`, `[stack]`, or empty. */
  name: string;
  /** Counts in Committed_AS. */
  isAccounted: boolean;
  isLocked: boolean;
  /** Extra two-letter codes of VmFlags, beyond what protection and kind say. */
  extraFlags: readonly string[];
  /** A shadow VMA stands for private memory: no access, never faultable. */
  isShadow: boolean;
  /**
   * Pages of the file, by index, that page-table entries of a shadow VMA map; null for every other VMA. Such an entry points at the frame
   * that the file holds there, so it is kept as a member of a set. Parts of a split VMA share it.
   */
  shadowPages: LaneSet | null;
  /** A shadow VMA whose entries are the present pages of its range, always; `shadowPages` stays empty then. */
  mirrors: boolean;
  /** A shadow VMA that a fork copied: no page-table entry is added to it any more. */
  isCopy: boolean;
  /** Mapped only so that mbind has an address. */
  isForPolicy: boolean;
  /** Left out of total_vm. */
  isUncounted: boolean;
  /** Left out of maps, smaps and numa_maps. */
  isHidden: boolean;
  /** A mapping of huge pages (VM_HUGETLB); null for every other VMA. */
  hugetlb: HugetlbVma | null;
}

/**
 * VM_PFNMAP: entries name frames and not pages of theirs, so that walks of page tables pass them over (mm/memory.c:vm_normal_page): no RSS, no
 * map count, no line of smaps.
 */
export const isPfnmap = (vma: Vma): boolean => vma.extraFlags.includes('pf');

/** VM_SPECIAL: mappings that mlock leaves as they are (mm/mlock.c:mlock_fixup). */
export const isSpecial = ({ extraFlags }: Pick<Vma, 'extraFlags'>): boolean =>
  ['de', 'pf', 'io', 'mm'].some((flag) => extraFlags.includes(flag));

/** mm/memory.c:vma_needs_copy of a shared mapping: entries of VM_PFNMAP and VM_MIXEDMAP can't be faulted again, so fork copies them. */
export const isCopiedWhole = ({ extraFlags }: Vma): boolean =>
  extraFlags.includes('pf') || extraFlags.includes('mm');

/** Part of a VMA after a split: same mapping, other borders. */
export function slice(vma: Vma, start: number, end: number): Vma {
  return { ...vma, start, end, pgoff: vma.pgoff + (start - vma.start) };
}

/** Page index in the file of a page of the mapping. */
export function indexOf(vma: Vma, vpn: number): number {
  return vma.pgoff + (vpn - vma.start);
}
