import { PAGES_PER_PMD } from '../units/pages.ts';
import type { Mm } from './mm.ts';
import type { RangeSet } from './range-set.ts';

/** What a mapping of huge pages keeps for itself (vm_private_data of its VMA). Parts of a split VMA share it. */
export interface HugetlbVma {
  /** MAP_NORESERVE. */
  noreserve: boolean;
  /**
   * Huge pages of the file whose reservation a private mapping has used up, where it is the process that made the mapping
   * (HPAGE_RESV_OWNER); null for all others.
   */
  consumed: RangeSet | null;
  /** A page was taken away for the owner of the mapping: later faults fail (HPAGE_RESV_UNMAPPED). */
  isRobbed: boolean;
}

/** Whether a border of a range lies within a huge page of a mapping: it can't be split there (hugetlb_vm_op_split). */
export function cutsHugePage(mm: Mm, start: number, end: number): boolean {
  return [start, end].some((border) => {
    const vma = mm.find(border);
    return vma !== undefined && vma.hugetlb !== null && border % PAGES_PER_PMD !== 0;
  });
}

/** A forked process gets no reservations of a private mapping (hugetlb_dup_vma_private). */
export function forkedHugetlb({ noreserve }: HugetlbVma): HugetlbVma {
  return { noreserve, consumed: null, isRobbed: false };
}
