import { freeAccounted } from '../kernel/accounted-pages.ts';
import type { Task } from '../kernel/task.ts';
import { OneRun } from '../units/page-runs.ts';
import { PAGES_PER_PMD } from '../units/pages.ts';
import type { Kvm } from './kvm.ts';
import type { GmemSlot } from './memslot.ts';
import { linkTables } from './vcpu.ts';
import type { Vm } from './vm.ts';

/**
 * Installs second-level entries of 2 MiB for huge folios of a gmem that a range of guest frames touches: where guest frames and file are
 * aligned alike, the slot holds the whole block, and all of it is private. Each entry covers its whole block, and takes the place of a
 * table of base entries. Only a proposal makes such folios.
 */
export function mapPrivateHuge(
  kvm: Kvm,
  vm: Vm,
  slot: GmemSlot,
  task: Task,
  gfn: number,
  count: number,
): void {
  const shift = slot.gmemIndex - slot.gfn;
  if (shift % PAGES_PER_PMD !== 0) return;
  const first = Math.max(Math.floor(gfn / PAGES_PER_PMD), Math.ceil(slot.gfn / PAGES_PER_PMD));
  const last = Math.min(
    Math.ceil((gfn + count) / PAGES_PER_PMD),
    Math.floor((slot.gfn + slot.pages) / PAGES_PER_PMD),
  );
  if (first >= last) return;
  const span = (last - first) * PAGES_PER_PMD;
  const runs: { block: number; blocks: number }[] = [];
  slot.gmem.cache.forEach(first * PAGES_PER_PMD + shift, span, (index, n, period, lanes) => {
    if (period !== 1) return;
    const pfn = lanes[0]!;
    const from = Math.ceil(pfn / PAGES_PER_PMD);
    const to = Math.floor((pfn + n) / PAGES_PER_PMD);
    kvm.kernel.hugeFolios.forEach(from, Math.max(0, to - from), (huge, blocks) => {
      runs.push({ block: (index - shift + huge * PAGES_PER_PMD - pfn) / PAGES_PER_PMD, blocks });
    });
  });
  for (const { block, blocks } of runs) {
    for (const part of privateBlocks(vm, slot, block, blocks)) mapBlocks(kvm, vm, slot, task, part);
  }
}

/** Blocks that are private throughout, as stretches. */
function privateBlocks(
  vm: Vm,
  slot: GmemSlot,
  block: number,
  blocks: number,
): { block: number; blocks: number }[] {
  if (slot.isGmemOnly) return [{ block, blocks }];
  const out: { block: number; blocks: number }[] = [];
  vm.privateGfns.forEachRun(block * PAGES_PER_PMD, blocks * PAGES_PER_PMD, (start, count) => {
    const first = Math.ceil(start / PAGES_PER_PMD);
    const last = Math.floor((start + count) / PAGES_PER_PMD);
    if (first < last) out.push({ block: first, blocks: last - first });
  });
  return out;
}

function mapBlocks(
  kvm: Kvm,
  vm: Vm,
  slot: GmemSlot,
  task: Task,
  { block, blocks }: { block: number; blocks: number },
): void {
  const gfn = block * PAGES_PER_PMD;
  const count = blocks * PAGES_PER_PMD;
  linkTables(kvm.kernel, vm, task, vm.tables.addAboveLeaves(gfn, count));
  const gaps: { at: number; n: number }[] = [];
  slot.mapped.forEachGap(gfn - slot.gfn + slot.gmemIndex, count, (at, n) => gaps.push({ at, n }));
  for (const { at, n } of gaps) {
    slot.mapped.add(at, n);
    kvm.hooks.tdpMapped(slot, new OneRun(at, n));
  }
  vm.hugeGfns.add(block, blocks);
  const removed = vm.tables.removeLeaves(block, blocks);
  freeAccounted(kvm.kernel, vm.tablePages, 'sec_pagetables', removed);
}
