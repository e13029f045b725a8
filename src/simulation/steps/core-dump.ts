import type { Kernel } from '../../kernel/kernel.ts';
import type { Mm } from '../../kernel/mm.ts';
import { forEachKind } from '../../kernel/rmap.ts';
import type { Vma } from '../../kernel/vma.ts';
import { PAGE_SIZE } from '../../units/pages.ts';
import { done, type Outcome } from '../outcome.ts';
import type { Worker } from '../worker.ts';
import type { World } from '../world.ts';

/** Bits of /proc/PID/coredump_filter. */
const ANON_PRIVATE = 1;
const ANON_SHARED = 2;
const MAPPED_PRIVATE = 4;
const MAPPED_SHARED = 8;
const HUGETLB_PRIVATE = 32;
const HUGETLB_SHARED = 64;

/**
 * How many bytes of mappings a core dump of the worker would hold, and how many of these cannot be read and become holes
 * (fs/coredump.c:vma_dump_size). Headers of files are left out.
 */
export function dumpCore({ kernel }: World, { process }: Worker, filter: number): Outcome {
  let size = 0;
  let holes = 0;
  const mm = process.mm!;
  for (const vma of mm.vmas) {
    if (
      vma.extraFlags.includes('dd') ||
      vma.extraFlags.includes('io') ||
      (filter & bitsOf(kernel, mm, vma)) === 0
    )
      continue;
    const bytes = (vma.end - vma.start) * PAGE_SIZE;
    size += bytes;
    if (vma.isShadow || !vma.prot.startsWith('r')) holes += bytes;
  }
  return done(0, `size=${size} holes=${holes}`);
}

/** What kinds of memory a mapping counts as; a shared file without a name left, such as a memfd, is anonymous memory. */
function bitsOf(kernel: Kernel, mm: Mm, vma: Vma): number {
  const { hugetlb, shared, file, start, end } = vma;
  if (hugetlb) return shared ? HUGETLB_SHARED : HUGETLB_PRIVATE;
  if (shared) return file?.kind === 'shmem' && file.path.includes('(deleted)') ? ANON_SHARED : MAPPED_SHARED;
  if (!file) return ANON_PRIVATE;
  let hasCopies = false;
  forEachKind(kernel, mm, start, end - start, (_at, _n, isAnon) => {
    hasCopies ||= isAnon;
  });
  return MAPPED_PRIVATE | (hasCopies ? ANON_PRIVATE : 0);
}
