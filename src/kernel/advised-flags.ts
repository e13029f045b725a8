import { isSpecial, type Vma } from './vma.ts';

/** What advice makes of the flags of a VMA (mm/khugepaged.c:hugepage_madvise, mm/ksm.c:ksm_madvise): KSM leaves alone what it can't merge. */
export function advisedFlags(
  { extraFlags, shared, hugetlb }: Vma,
  advice: 'hugepage' | 'nohugepage' | 'mergeable' | 'unmergeable',
): readonly string[] {
  const without = (...flags: string[]): string[] => extraFlags.filter((flag) => !flags.includes(flag));
  switch (advice) {
    case 'hugepage':
      return [...without('hg', 'nh'), 'hg'];
    case 'nohugepage':
      return [...without('hg', 'nh'), 'nh'];
    case 'mergeable':
      return shared || hugetlb || isSpecial({ extraFlags }) ? extraFlags : [...without('mg'), 'mg'];
    case 'unmergeable':
      return without('mg');
  }
}

/** Flags in an order of their own, to compare them. */
export const flagsText: (vma: Pick<Vma, 'extraFlags'>) => string = ({ extraFlags }) =>
  [...extraFlags].sort().join();
