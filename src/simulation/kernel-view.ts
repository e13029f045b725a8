import { FrameTable } from '../kernel/frame-table.ts';
import { tryCharge } from '../kernel/folios.ts';
import { GMEM_FLAG_MMAP } from '../kernel/gmem-access.ts';
import type { Inode } from '../kernel/inode.ts';
import type { Shortage } from '../kernel/memory-pressure.ts';
import type { Policy } from '../kernel/mempolicy.ts';
import type { Mm } from '../kernel/mm.ts';
import { startMirroring } from '../kernel/mirror.ts';
import { mbind, mmap, munmap } from '../kernel/mmap.ts';
import { nodePages } from '../kernel/page-cache.ts';
import { forEachMapping, mapShadowLane, zapShadowLane } from '../kernel/rmap.ts';
import { allocateAccounted } from '../kernel/accounted-pages.ts';
import type { Process, Task } from '../kernel/task.ts';
import { indexOf, type Vma } from '../kernel/vma.ts';
import { zapFileLane } from '../kvm/guest-memfd.ts';
import type { Kvm } from '../kvm/kvm.ts';
import type { Vm as KvmVm } from '../kvm/vm.ts';
import type {
  Gmem,
  KernelView,
  MemoryPolicy,
  PageMap,
  PolicyChoice,
  PolicyRange,
  Proc,
  ShadowOptions,
  Thread,
  Vm,
} from '../strategy/contract.ts';
import type { Errno } from '../units/errno.ts';
import { clipLane, endOf, type Lane } from '../units/lanes.ts';
import type { PageLane, PageRuns } from '../units/page-runs.ts';
import type { Ledger } from './ledger.ts';

/** The kernel as a design sees it: references are the kernel's own objects, everything else goes through these calls. */
export class WorldView implements KernelView {
  readonly kernel: string;
  readonly nodeCount: number;
  /** Operations by name. */
  readonly counts: Record<string, number> = {};
  readonly #held: Record<string, number> = {};
  readonly #maps: FrameTable[] = [];
  readonly #kvm: Kvm;
  readonly #ledger: Ledger;

  constructor(config: { kvm: Kvm; ledger: Ledger }) {
    this.#kvm = config.kvm;
    this.#ledger = config.ledger;
    this.kernel = config.kvm.kernel.profile.version;
    this.nodeCount = config.kvm.kernel.nodes.length;
  }

  addRss(process: Proc, pages: number, reason: string, counter: 'file' | 'gmem' = 'file'): void {
    const mm = mmOf(process);
    if (pages < 0) mm.noteRss();
    mm.rss[counter] += pages;
    this.#ledger.post('unattributed', process.worker, pages, reason);
  }

  ownRss(process: Proc): number {
    return mmOf(process).rss.gmem;
  }

  tryCharge(gmem: Gmem, by: Thread): Shortage | null {
    return tryCharge(this.#kvm.kernel, by as Task, 'gmem', inodeOf(gmem));
  }

  nodePages(gmem: Gmem): readonly number[] {
    const inode = inodeOf(gmem);
    return Array.from(nodePages(this.#kvm.kernel, inode, 0, inode.sizePages));
  }

  forEachPresent(
    gmem: Gmem,
    index: number,
    count: number,
    visit: (index: number, count: number) => void,
  ): void {
    inodeOf(gmem).cache.forEach(index, count, (at, n) => visit(at, n));
  }

  mapShadow(process: Proc, gmem: Gmem, index: number, count: number, options: ShadowOptions): number | Errno {
    const { kernel } = this.#kvm;
    const mm = mmOf(process);
    const answer = mmap(kernel, mm, {
      pages: count,
      prot: `${options.flags.includes('rd') ? 'r' : '-'}${options.flags.includes('wr') ? 'w' : '-'}-`,
      shared: true,
      file: inodeOf(gmem),
      pgoff: index,
      at: null,
      noreserve: true,
      extraFlags: options.flags.filter((flag) => flag !== 'rd' && flag !== 'wr'),
      shadow: { isUncounted: !options.countsInVm, isHidden: !options.isListed, mirrors: options.mirrors },
    });
    if (typeof answer === 'number' && options.mirrors) startMirroring(kernel, mm, mm.find(answer)!);
    return answer;
  }

  unmapShadow(process: Proc | null, gmem: Gmem, index: number, count: number): void {
    for (const link of shadowsOf(gmem)) {
      if (process && link.mm !== (process as Process).mm) continue;
      const [from, to] = overlap(link.vma, index, count);
      if (from < to)
        munmap(this.#kvm.kernel, link.mm, link.vma.start + from - link.vma.pgoff, to - from, true);
    }
  }

  populateShadow(gmem: Gmem, pages: PageRuns): void {
    const { kernel } = this.#kvm;
    for (const { mm, vma } of inodeOf(gmem).mappings) {
      const owner = kernel.processes.get(mm.worker);
      if (!vma.isShadow || vma.mirrors || vma.isCopy || !owner) continue;
      pages.forEachLane((index, count, stride) => {
        const inside = insideOf(vma, { index, count, stride });
        if (!inside) return;
        const tables = mm.tables.addLane({ ...inside, index: vma.start + inside.index - vma.pgoff });
        allocateAccounted(kernel, owner.main, mm.tablePages, 'pagetables', tables);
        mapShadowLane(kernel, mm, vma, inside);
      });
    }
  }

  zapShadow(gmem: Gmem, pages: PageRuns): void {
    for (const { mm, vma } of shadowsOf(gmem)) {
      pages.forEachLane((index, count, stride) => {
        const inside = insideOf(vma, { index, count, stride });
        if (inside) zapShadowLane(this.#kvm.kernel, mm, vma, inside);
      });
    }
  }

  bindShadow(
    process: Proc,
    gmem: Gmem,
    index: number,
    count: number,
    policy: MemoryPolicy | null,
  ): Errno | 0 {
    const mm = mmOf(process);
    const parts = shadowsOf(gmem)
      .filter((link) => link.mm === mm)
      .map(({ vma }) => ({ vma, range: overlap(vma, index, count) }))
      .filter(({ range }) => range[0] < range[1]);
    const covered = parts.reduce((sum, { range }) => sum + range[1] - range[0], 0);
    if (covered < count) return 'EFAULT';
    for (const { vma, range } of parts) {
      const vpn = vma.start + range[0] - vma.pgoff;
      const failed = mbind(this.#kvm.kernel, mm, vpn, range[1] - range[0], policy);
      if (failed) return failed;
    }
    return 0;
  }

  shadowPolicy(gmem: Gmem, index: number): PolicyChoice | null {
    let next = Infinity;
    for (const { vma } of inodeOf(gmem).mappings) {
      if (!vma.isShadow) continue;
      const end = indexOf(vma, vma.end);
      if (index >= vma.pgoff && index < end) return { policy: vma.policy, until: end };
      if (vma.pgoff > index) next = Math.min(next, vma.pgoff);
    }
    return next === Infinity ? null : { policy: null, until: next };
  }

  sharedPolicy(gmem: Gmem, index: number): MemoryPolicy | null {
    return inodeOf(gmem).policy.lookup(index).policy;
  }

  setSharedPolicy(gmem: Gmem, index: number, count: number, policy: MemoryPolicy | null): void {
    inodeOf(gmem).policy.set(index, index + count, policy);
  }

  mapForPolicy(process: Proc, gmem: Gmem): Errno | 0 {
    const mm = mmOf(process);
    const inode = inodeOf(gmem);
    for (const link of inode.mappings) if (link.mm === mm && !link.vma.isShadow) return 0;
    // The VMM that means to bind its files creates them with the flag.
    inode.flags |= GMEM_FLAG_MMAP;
    const answer = mmap(this.#kvm.kernel, mm, {
      pages: inode.sizePages,
      prot: 'rw-',
      shared: true,
      file: inode,
      pgoff: 0,
      at: null,
      noreserve: false,
      forPolicy: true,
    });
    return typeof answer === 'number' ? 0 : answer;
  }

  /** What mapForPolicy did, undone: a VMM that closes the file unmaps it first. */
  unmapForPolicy(process: Process, inode: Inode): void {
    for (const { mm, vma } of Array.from(inode.mappings)) {
      if (mm === process.mm && vma.isForPolicy) munmap(this.#kvm.kernel, mm, vma.start, vma.end - vma.start);
    }
  }

  policiesAt(process: Proc, vpn: number, count: number): readonly PolicyRange[] {
    const out: PolicyRange[] = [];
    for (const vma of mmOf(process).overlapping(vpn, vpn + count)) {
      const end = Math.min(vpn + count, vma.end);
      for (let at = Math.max(vpn, vma.start); at < end;) {
        const { policy, until } = policyOf(vma, at);
        const to = Math.min(end, until);
        out.push({ start: at, count: to - at, policy });
        at = to;
      }
    }
    return out;
  }

  interleaveIndexAt(process: Proc, vpn: number): number | null {
    const vma = mmOf(process).find(vpn);
    if (!vma?.file) return null;
    return (vma.file.kind === 'shmem' ? vma.file.ino : 0) + indexOf(vma, vpn);
  }

  forEachPrivate(vm: Vm, gfn: number, count: number, visit: (gfn: number, count: number) => void): void {
    const stretches: number[] = [];
    (vm as KvmVm).privateGfns.forEachRun(gfn, count, (at, n) => {
      stretches.push(at, n);
    });
    for (let i = 0; i < stretches.length; i += 2) visit(stretches[i]!, stretches[i + 1]!);
  }

  zapGuest(gmem: Gmem, pages: Lane): void {
    zapFileLane(this.#kvm, inodeOf(gmem), pages);
  }

  forEachLaunched(gmem: Gmem, pages: PageLane, visit: (first: number, count: number) => void): void {
    const { index, stride } = pages;
    for (const run of inodeOf(gmem).launched.runs(index, endOf(pages) - index)) {
      const part = clipLane(pages, run.start, run.start + run.count);
      if (part) visit((part.index - index) / stride, part.count);
    }
  }

  isEncrypted(gmem: Gmem): boolean {
    return this.#kvm.vmOfGmem.get(inodeOf(gmem))?.type === 'snp';
  }

  vmOf(gmem: Gmem): Vm {
    const vm = this.#kvm.vmOfGmem.get(inodeOf(gmem));
    if (!vm) throw new Error(`the gmem ${gmem.name} belongs to no VM any more`);
    return vm;
  }

  livingOwner(gmem: Gmem): Proc | null {
    const { process } = this.vmOf(gmem);
    return process.isAlive ? process : null;
  }

  holdersOf(gmem: Gmem): readonly Proc[] {
    return [...this.#kvm.kernel.processes.values()].filter(
      (process) => process.isAlive && [...process.fds.values()].some((file) => file.inode === gmem),
    );
  }

  mappedPages(gmem: Gmem): number {
    let pages = 0;
    for (const { mm, vma } of inodeOf(gmem).mappings) {
      forEachMapping(mm, vma, vma.start, vma.end - vma.start, (_, n) => {
        pages += n;
      });
    }
    return pages;
  }

  newPageMap(): PageMap {
    const table = new FrameTable();
    this.#maps.push(table);
    return {
      set: (index, count, value) => table.allocate(index, count, value),
      clear: (index, count, visit) => table.free(index, count, visit),
      get: (index) => table.classOf(index) || undefined,
    };
  }

  count(operation: string, times = 1): void {
    this.counts[operation] = (this.counts[operation] ?? 0) + times;
  }

  hold(structure: string, count: number): void {
    this.#held[structure] = (this.#held[structure] ?? 0) + count;
  }

  /** What designs keep now, by structure of the cost table. */
  get held(): Readonly<Record<string, number>> {
    const owners = this.#maps.reduce((sum, { size }) => sum + size, 0);
    return { ...this.#held, 'owner-id': (this.#held['owner-id'] ?? 0) + owners };
  }
}

/** Policy that a fault at a page follows, and the page where that may change. */
function policyOf(vma: Vma, vpn: number): { policy: Policy | null; until: number } {
  if (vma.file?.kind !== 'shmem') return { policy: vma.policy, until: vma.end };
  const found = vma.file.policy.lookup(indexOf(vma, vpn));
  return { policy: found.policy, until: vma.start + found.end - vma.pgoff };
}

const inodeOf = (gmem: Gmem): Inode => gmem as Inode;

function mmOf(process: Proc): Mm {
  const { mm } = process as Process;
  if (!mm) throw new Error(`${process.worker} has no address space any more`);
  return mm;
}

const shadowsOf = (gmem: Gmem): { mm: Mm; vma: Vma }[] =>
  [...inodeOf(gmem).mappings].filter((link) => link.vma.isShadow);

/** The part of a lane of the file that a VMA shows. */
const insideOf = (vma: Vma, lane: Lane): Lane | null =>
  clipLane(lane, vma.pgoff, vma.pgoff + vma.end - vma.start);

/** The part of a range of the file that a VMA shows: page indices from, to. */
function overlap(vma: Vma, index: number, count: number): [from: number, to: number] {
  return [Math.max(index, vma.pgoff), Math.min(index + count, vma.pgoff + vma.end - vma.start)];
}
