import type { Inode } from '../../kernel/inode.ts';
import type { PageHolder } from '../../kernel/page-holder.ts';
import { forEachLane } from '../../kernel/page-allocator.ts';
import type { PfnMap } from '../../kernel/pfn-map.ts';
import { RangeSet } from '../../kernel/range-set.ts';
import type { Process } from '../../kernel/task.ts';
import type { Holding, ProcessTruth, TruthFacts } from '../../result/types.ts';
import { PAGE_SIZE, PAGES_PER_PMD } from '../../units/pages.ts';
import type { MemSlot } from '../../kvm/memslot.ts';
import { sharedEntries } from '../../kvm/tdp.ts';
import type { Vm } from '../../kvm/vm.ts';
import type { World } from '../world.ts';
import { structureFacts } from './structure-facts.ts';
import { XARRAY_NODE_BYTES } from '../../kernel/slab.ts';

/**
 * The omniscient record of a moment: what every frame is, who it serves and who paid, read from the engine's own structures. No
 * design has a say in it.
 */
export function truthFacts(world: World): TruthFacts {
  const { kernel } = world;
  const living = [...kernel.processes.values()].filter((process) => process.isAlive);
  const holdings = [
    ...fileHoldings(world, living),
    ...anonHoldings(world, living, 'anonymous memory', 'anon'),
    ...anonHoldings(world, living, 'private huge pages', 'hugetlb'),
    ...poolHolding(world),
    ...kernelHoldings(world),
  ];
  return {
    holdings,
    processes: living.map((process) => processTruth(world, process, holdings)),
    nodes: kernel.nodes.map((node) => ({
      nid: node.nid,
      freePages: node.freePages,
      usedPages: node.pages - node.freePages,
    })),
    structures: structureFacts(world),
    ...(world.pools.rows ? { inBothPools: world.pools.rows } : {}),
  };
}

const KINDS = { gmem: 'gmem', shmem: 'memfd', file: 'file', hugetlb: 'hugetlb' } as const;

function emptyHolding(world: World, object: string, kind: Holding['kind'], user: string | null): Holding {
  return {
    object,
    kind,
    user,
    vm: null,
    nodePages: world.kernel.nodes.map(() => 0),
    guestMappedPages: 0,
    chargedPages: {},
    allocatedPages: {},
    offPolicyPages: null,
  };
}

function fileHoldings(world: World, living: readonly Process[]): Holding[] {
  const out: Holding[] = [];
  for (const inode of world.kernel.inodes) {
    if (inode.cache.size === 0) continue;
    const kind = inode.reservesWhole ? 'shmem' : KINDS[inode.kind];
    const holding = emptyHolding(world, inode.name, kind, userOf(world, inode, living));
    addPages(world, holding, inode.cache, 0, inode.sizePages);
    for (const vm of world.kvm.vms) {
      for (const slot of vm.slots.values()) {
        const isShared = inode.kind !== 'gmem' && userFile(vm, slot) === inode;
        if (slot.gmem !== inode && !isShared) continue;
        holding.vm = `vm${vm.id}`;
        holding.guestMappedPages += isShared ? sharedEntries(vm, slot) : slot.mapped.size;
        if (!isShared && vm.staleEntries.size > 0) {
          const stale = vm.staleEntries.countIn(slot.gfn, slot.pages);
          if (stale > 0) holding.stalePages = (holding.stalePages ?? 0) + stale;
        }
      }
    }
    if (inode.kind === 'gmem') {
      const off = offPolicyNodes(world, inode);
      holding.offPolicyPages = off && off.reduce((sum, pages) => sum + pages, 0);
      if (off) holding.offPolicyNodePages = off;
      holding.movablePages = world.kernel.hooks.mayMigrate(inode) ? inode.cache.size : 0;
    }
    out.push(holding);
  }
  return out;
}

/** Whose memory a file is: the owner of the VM that it serves, else the first process that maps it, else that has it open. */
function userOf(world: World, inode: Inode, living: readonly Process[]): string | null {
  const owner = world.kvm.vmOfGmem.get(inode)?.process;
  if (owner?.isAlive) return owner.worker;
  const slotOwner = [...world.kvm.vms].find((vm) =>
    [...vm.slots.values()].some((slot) => userFile(vm, slot) === inode),
  );
  if (slotOwner) return slotOwner.process.worker;
  const mapper = living.find((process) => [...inode.mappings].some((link) => link.mm === process.mm));
  if (mapper) return mapper.worker;
  const holder = living.find((process) => [...process.fds.values()].some((file) => file.inode === inode));
  return holder?.worker ?? null;
}

/** The file behind a slot's user addresses. */
const userFile = (vm: Vm, slot: MemSlot): Inode | null | undefined =>
  vm.process.mm?.find(slot.userspaceVpn)?.file;

function addPages(world: World, holding: Holding, map: PfnMap, index: number, count: number): void {
  const { kernel } = world;
  map.forEach(index, count, (_, n, period, lanes) => {
    forEachLane(n, period, lanes, (pfn, length) => {
      kernel.frames.forEach(pfn, length, (start, pages, id) => addFrames(world, holding, start, pages, id));
    });
  });
}

function addFrames(world: World, holding: Holding, pfn: number, pages: number, id: number): void {
  const { memcg, allocator, kind } = world.kernel.classes.get(id);
  const nid = world.kernel.nidOf(pfn);
  holding.nodePages[nid] = holding.nodePages[nid]! + pages;
  // Huge pages are charged to no group.
  if (kind !== 'hugetlb') {
    const path = memcg.isDying ? `${memcg.path} (deleted)` : memcg.path;
    holding.chargedPages[path] = (holding.chargedPages[path] ?? 0) + pages;
  }
  const who = allocator === '' ? 'kernel' : allocator;
  holding.allocatedPages[who] = (holding.allocatedPages[who] ?? 0) + pages;
}

/** Pages on nodes that the VMM's wish does not name, by node; null where it never wished. */
export function offPolicyNodes(world: World, inode: Inode): number[] | null {
  const wishes = world.wishes.get(inode);
  if (!wishes) return null;
  const off = world.kernel.nodes.map(() => 0);
  for (let at = 0; at < inode.sizePages;) {
    const { policy, end } = wishes.lookup(at);
    const to = Math.min(end, inode.sizePages);
    if (policy && policy.nodes.length > 0) {
      inode.cache.forEach(at, to - at, (_, n, period, lanes) => {
        forEachLane(n, period, lanes, (pfn, length) => {
          const nid = world.kernel.nidOf(pfn);
          if (!policy.nodes.includes(nid)) off[nid] = off[nid]! + length;
        });
      });
    }
    at = to;
  }
  return off;
}

/** Memory of no file, by process; a page that several map belongs to the first of them. */
function anonHoldings(
  world: World,
  living: readonly Process[],
  object: string,
  kind: 'anon' | 'hugetlb',
): Holding[] {
  const { kernel } = world;
  const seen = new RangeSet();
  const out: Holding[] = [];
  for (const process of living) {
    const holding = emptyHolding(world, object, kind, process.worker);
    eachMapped(process, (pfn, length) => {
      kernel.frames.forEach(pfn, length, (start, pages, id, maps) => {
        const folioClass = kernel.classes.get(id);
        if (folioClass.kind !== kind || folioClass.inode !== null) return;
        if (maps === 1) addFrames(world, holding, start, pages, id);
        else unseen(seen, start, pages, (at, n) => addFrames(world, holding, at, n, id));
      });
    });
    if (holding.nodePages.some((pages) => pages > 0)) out.push(holding);
  }
  return out;
}

function eachMapped(process: Process, visit: (pfn: number, count: number) => void): void {
  process.mm!.pt.forEach(0, 2 ** 40, (_, n, period, lanes) => forEachLane(n, period, lanes, visit));
}

function unseen(
  seen: RangeSet,
  pfn: number,
  count: number,
  visit: (pfn: number, count: number) => void,
): void {
  const known: number[] = [];
  seen.forEachRun(pfn, count, (start, length) => {
    known.push(start, length);
  });
  let at = pfn;
  for (let i = 0; i < known.length; i += 2) {
    if (known[i]! > at) visit(at, known[i]! - at);
    at = known[i]! + known[i + 1]!;
  }
  if (at < pfn + count) visit(at, pfn + count - at);
  seen.add(pfn, count);
}

/** Huge pages that wait in the pool: taken from everybody, of use to nobody yet. */
function poolHolding(world: World): Holding[] {
  const holding = emptyHolding(world, 'free huge pages', 'hugetlb', null);
  holding.nodePages = world.kernel.hugetlb.nodes.map((node) => node.free.size * PAGES_PER_PMD);
  return holding.nodePages.some((pages) => pages > 0) ? [holding] : [];
}

/** Page tables of processes and VMs, and the slab objects of files and attributes, in whole pages. */
function kernelHoldings(world: World): Holding[] {
  const { kernel } = world;
  const out: Holding[] = [];
  const add = (object: string, user: string | null, pages: PageHolder, bytesEach: number): void => {
    const holding = emptyHolding(world, object, 'kernel', user);
    for (const lot of pages.lotsIn(kernel)) {
      const n = Math.ceil((lot.count * bytesEach) / PAGE_SIZE);
      holding.nodePages[lot.nid] = holding.nodePages[lot.nid]! + n;
      const path = lot.memcg.isDying ? `${lot.memcg.path} (deleted)` : lot.memcg.path;
      holding.chargedPages[path] = (holding.chargedPages[path] ?? 0) + n;
    }
    if (pages.count > 0) out.push(holding);
  };
  for (const process of kernel.processes.values()) {
    add('kernel stacks', process.worker, process.stacks, PAGE_SIZE);
    if (process.mm) add('page tables', process.worker, process.mm.tablePages, PAGE_SIZE);
  }
  for (const vm of world.kvm.vms) {
    const user = vm.process.isAlive ? vm.process.worker : null;
    add('second-level page tables', user, vm.tablePages, PAGE_SIZE);
    add('root of the second-level page table', user, vm.rootPages, PAGE_SIZE);
    add('struct kvm', user, vm.structPages, PAGE_SIZE);
    add('stack of the page recovery thread', user, vm.recoveryStack, PAGE_SIZE);
    for (const { id, lpageInfo } of vm.slots.values()) {
      add(`huge page info of slot ${id}`, user, lpageInfo, PAGE_SIZE);
    }
    for (const { id, cache, pages } of vm.vcpus.values()) {
      add(`vCPU ${id}`, user, pages, PAGE_SIZE);
      add(`table cache of vCPU ${id}`, user, cache, PAGE_SIZE);
    }
    add('memory attributes', user, vm.attributeSlab, XARRAY_NODE_BYTES);
  }
  const living = [...kernel.processes.values()].filter((process) => process.isAlive);
  for (const inode of kernel.inodes) {
    add(`page cache tree of ${inode.name}`, userOf(world, inode, living), inode.slab, XARRAY_NODE_BYTES);
  }
  return out;
}

/** Everything but kernel memory that lives because of a process: what serves it, and image pages that it maps. */
function processTruth(world: World, process: Process, holdings: readonly Holding[]): ProcessTruth {
  const { kernel } = world;
  const privateNodePages = kernel.nodes.map(() => 0);
  const nodePages = kernel.nodes.map(() => 0);
  for (const holding of holdings) {
    if (holding.user !== process.worker || holding.kind === 'kernel') continue;
    holding.nodePages.forEach((pages, nid) => {
      nodePages[nid] = nodePages[nid]! + pages;
      if (holding.kind === 'gmem') privateNodePages[nid] = privateNodePages[nid]! + pages;
    });
  }
  eachMapped(process, (pfn, length) => {
    kernel.frames.forEach(pfn, length, (start, pages, id) => {
      if (kernel.classes.get(id).kind !== 'file') return;
      const nid = kernel.nidOf(start);
      nodePages[nid] = nodePages[nid]! + pages;
    });
  });
  return {
    worker: process.worker,
    pid: process.pid,
    cgroup: process.cgroup.path,
    privateNodePages,
    nodePages,
  };
}
