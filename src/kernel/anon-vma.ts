import type { Kernel } from './kernel.ts';
import type { Vma } from './vma.ts';

/**
 * The reverse mapping of a VMA's anonymous pages (struct anon_vma). A VMA gets one with its first such page, and keeps it whatever becomes of
 * the pages. Parts of a split VMA share it.
 */
export interface AnonVma {
  /** Made by a fork for a copy, which stays on the lists of its ancestors' as well (anon_vma_chain has more than one member). */
  readonly isForked: boolean;
}

/** mm/rmap.c:anon_vma_prepare. Neighbours that it could be shared with have been joined already. */
export function prepareAnonVma(vma: Vma): void {
  vma.anonVma ??= { isForked: false };
}

/** mm/rmap.c:anon_vma_fork. */
export const forkAnonVma = ({ anonVma }: Vma): AnonVma | null => anonVma && { isForked: true };

/**
 * Whether a VMA that has changed may be joined to a neighbour, as far as anonymous pages go (mm/vma.c:is_mergeable_anon_vma): with the same
 * reverse mapping, or where one has none and no fork's copy is involved.
 */
export function isAnonMergeable(kernel: Kernel, neighbour: Vma, changed: Vma): boolean {
  const [there, here] = [neighbour.anonVma, changed.anonVma];
  if (there === here) return true;
  if (there && !here) return !there.isForked;
  return !there && here !== null && kernel.profile.mergesUnfaulted && !here.isForked;
}
