import type { Policy } from './mempolicy.ts';
import { indexOf, type Vma } from './vma.ts';

/** The policy of a VMA at its start (mm/mempolicy.c:__get_vma_policy): the file's shared policy where it has one, else the VMA's own; null: the task's. */
export function vmaPolicy(vma: Vma): Policy | null {
  const { file } = vma;
  if (file && (file.kind === 'shmem' || !file.policy.isEmpty)) {
    const found = file.policy.lookup(indexOf(vma, vma.start)).policy;
    if (found || file.kind === 'shmem') return found;
  }
  return vma.policy;
}
