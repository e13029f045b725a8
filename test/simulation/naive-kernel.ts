import type { Inode } from '../../src/kernel/inode.ts';
import type { Memcg } from '../../src/kernel/memcg.ts';
import { makePolicy, type Policy } from '../../src/kernel/mempolicy.ts';
import type { StepResult } from '../../src/result/types.ts';
import { forEachRandom } from '../../src/random/random-order.ts';
import type { ModeName, Step, StepArgs } from '../../src/scenario/types.ts';
import type { World } from '../../src/simulation/world.ts';
import { PAGE_SIZE } from '../../src/units/pages.ts';

/** One page of memory. */
export interface NaivePage {
  kind: 'anon' | 'shmem' | 'gmem';
  node: number;
  group: NaiveGroup;
  /** Page-table entries of processes that map it. */
  maps: number;
  /** Somebody has asked for it since fallocate made it. */
  isUptodate: boolean;
}

export interface NaiveGroup {
  path: string;
  parent: NaiveGroup | null;
  /** The group of the world under test. */
  real: Memcg;
}

export interface NaiveFile {
  kind: 'shmem' | 'gmem';
  /** The inode of the world under test: its number, and where pages went that no rule places exactly. */
  real: Inode;
  pages: Map<number, NaivePage>;
  /** Shared policy, page by page. */
  policy: Map<number, Policy>;
  vm: NaiveVm | null;
}

/** One mapping call; every page of it knows it. */
interface Area {
  file: NaiveFile | null;
  shared: boolean;
  isAccounted: boolean;
}

interface Spot {
  area: Area;
  /** Page of the file; the address of anonymous memory. */
  index: number;
  policy: Policy | null;
  /** Of the VMA that it is part of, since that has had an anonymous page. */
  anon: { isForked: boolean } | null;
}

interface Thread {
  cpu: number;
  policy: Policy | null;
}

export interface NaiveProcess extends Thread {
  group: NaiveGroup;
  isAlive: boolean;
  spots: Map<number, Spot>;
  pt: Map<number, NaivePage>;
  /** Page-table pages below the top level, by level and number. */
  tables: Set<string>;
  files: Map<string, NaiveFile>;
  /** Where objects were mapped last. */
  addresses: Map<string, { vpn: number; pages: number }>;
  vm: NaiveVm | null;
  vcpu: Thread | null;
}

export interface NaiveSlot {
  gfn: number;
  pages: number;
  vpn: number;
  file: NaiveFile | null;
  index: number;
  takesAllFromGmem: boolean;
  mapped: Set<number>;
}

export interface NaiveVm {
  process: NaiveProcess;
  hasPrivateMemory: boolean;
  slots: Map<number, NaiveSlot>;
  private: Set<number>;
  /** Shared second-level entries. */
  tdp: Map<number, NaivePage>;
  /** Second-level tables; null once a fault failed: how many it had made by then is nobody's business. */
  tables: Set<string> | null;
}

/** New gmem pages of a step that the thread's interleave counter placed: one list for each stretch without a break. */
export interface RotorStretch {
  policy: Policy;
  nodes: number[];
}

/** Steps that are ioctls on a VM or a vCPU. */
const VM_IOCTLS: ReadonlySet<string> = new Set([
  'gmem create',
  'vm slot',
  'vm unslot',
  'vm attr',
  'vm convert',
  'vm touch',
]);

/** Memory management page by page: every page an object, every table entry a key in a map, nothing that knows of ranges. */
export class NaiveKernel {
  readonly world: World;
  readonly groups: NaiveGroup[] = [];
  readonly processes: Map<string, NaiveProcess> = new Map();
  readonly vms: Set<NaiveVm> = new Set();
  readonly files: Set<NaiveFile> = new Set();
  /** What the last step placed by interleave counters. */
  stretches: RotorStretch[] = [];
  #isBroken = true;

  constructor(world: World) {
    this.world = world;
    this.#noteGroups();
  }

  /** Does what a step that came back with `result` should have done; says whether it should have failed. */
  apply(step: Step, result: StepResult): 'ok' | 'fails' {
    this.stretches = [];
    this.#isBroken = true;
    const who = this.processes.get(step.who ?? 'w0') ?? this.#spawn();
    const isDone = result.ret >= 0;
    let outcome: 'ok' | 'fails' = 'ok';
    // A VM answers only the address space that made it.
    const isForeign = who.vm !== null && who.vm.process !== who;
    if (isForeign && VM_IOCTLS.has(step.verb)) return 'fails';
    switch (step.verb) {
      case 'gmem create':
      case 'memfd create':
        this.#create(who, step.verb === 'gmem create' ? 'gmem' : 'shmem', step.args.name, result.who);
        break;
      case 'close':
        who.files.delete(step.args.name);
        break;
      case 'fallocate':
        this.#each(step.args, (index) => this.#fill(who, who, who.files.get(step.args.name)!, index));
        break;
      case 'punch':
        this.#punch(
          who.files.get(step.args.name)!,
          step.args.offset / PAGE_SIZE,
          step.args.bytes / PAGE_SIZE,
        );
        break;
      case 'map':
        this.#map(who, step.args.name, who.files.get(step.args.name)!, step.args.shared, false);
        break;
      case 'anon map':
        this.#map(who, step.args.name, null, step.args.shared, step.args.noreserve);
        break;
      case 'unmap':
        this.#unmap(who, step.args);
        break;
      case 'touch':
        this.#each(step.args, (page) =>
          this.#access(who, who, who.addresses.get(step.args.name)!.vpn + page, step.args.write),
        );
        break;
      case 'mbind':
        this.#mbind(who, step.args);
        break;
      case 'mempolicy':
        who.policy = policyOf(step.args);
        break;
      case 'affinity':
        who.cpu = step.args.cpu;
        break;
      case 'fork':
        this.#fork(who, step.args.worker);
        break;
      case 'exit':
        this.#exit(who);
        break;
      case 'cgroup create':
      case 'write':
        this.#noteGroups();
        break;
      case 'cgroup move':
        if (isDone) this.processes.get(step.args.worker)!.group = this.#group(step.args.path);
        break;
      case 'cgroup rm':
        if (isDone) this.#removeGroup(step.args.path);
        break;
      case 'vm create':
        who.vm ??= this.#newVm(who, step.args.type !== 'default');
        break;
      case 'vm slot':
        if (isDone) this.#slot(who, step.args);
        break;
      case 'vm unslot':
        this.#unslot(who.vm!, step.args.slot);
        break;
      case 'vm attr':
        outcome = this.#convert(who.vm!, step.args);
        break;
      case 'vm convert':
        outcome = this.#convert(who.vm!, step.args);
        if (outcome === 'ok') this.#discard(who.vm!, step.args);
        break;
      case 'vm touch':
        outcome = this.#guestTouch(who, step.args);
        break;
      case 'vm vcpu':
        who.vcpu = { cpu: step.args.cpu, policy: policyOf(step.args) };
        break;
      case 'vm close':
        who.vm = null;
        who.vcpu = null;
        break;
      default:
        break;
    }
    this.#collect();
    return outcome;
  }

  living(): [string, NaiveProcess][] {
    return [...this.processes].filter(([, process]) => process.isAlive);
  }

  // Groups and processes

  #noteGroups(): void {
    for (const real of this.world.kernel.memcgs.values()) {
      if (this.groups.some((group) => group.real === real)) continue;
      const parent = this.groups.find((group) => group.real === real.parent) ?? null;
      this.groups.push({ path: real.path, parent, real });
    }
  }

  #group(path: string): NaiveGroup {
    return this.groups.findLast((group) => group.path === path)!;
  }

  #removeGroup(path: string): void {
    if (!this.world.kernel.profile.reparentsFolios) return;
    const group = this.#group(path);
    for (const page of this.pages()) if (page.group === group) page.group = group.parent!;
  }

  /** Every page there is, once. */
  pages(): Set<NaivePage> {
    const all = new Set<NaivePage>();
    for (const file of this.files) for (const page of file.pages.values()) all.add(page);
    for (const { pt } of this.processes.values()) for (const page of pt.values()) all.add(page);
    return all;
  }

  #spawn(): NaiveProcess {
    const process: NaiveProcess = {
      cpu: 0,
      policy: null,
      group: this.groups[0]!,
      isAlive: true,
      spots: new Map(),
      pt: new Map(),
      tables: new Set(),
      files: new Map(),
      addresses: new Map(),
      vm: null,
      vcpu: null,
    };
    this.processes.set('w0', process);
    return process;
  }

  #fork(parent: NaiveProcess, name: string): void {
    const child: NaiveProcess = {
      ...parent,
      spots: new Map(),
      pt: new Map(),
      tables: new Set(),
      files: new Map(parent.files),
      addresses: new Map(parent.addresses),
      vcpu: null,
    };
    this.processes.set(name, child);
    for (const vma of this.#vmas(parent)) {
      const { area } = parent.spots.get(vma[0]!)!;
      const isMapped = vma.filter((vpn) => parent.pt.has(vpn));
      const isCopied = vma.some((vpn) => parent.spots.get(vpn)!.anon);
      const anon = isCopied ? { isForked: true } : null;
      for (const vpn of vma) child.spots.set(vpn, { ...parent.spots.get(vpn)!, anon });
      // What has never had pages of its own faults anew.
      if (area.shared || !isCopied) continue;
      for (const vpn of isMapped) {
        this.#mapPage(child, vpn, parent.pt.get(vpn)!);
        addTables(child.tables, vpn, 3);
      }
    }
  }

  /** The pages of each VMA. */
  #vmas(process: NaiveProcess): number[][] {
    const vmas: number[][] = [];
    for (const vpn of [...process.spots.keys()].sort((a, b) => a - b)) {
      const last = vmas.at(-1);
      if (last && last.at(-1) === vpn - 1 && this.#isSameVma(process, vpn - 1, vpn)) last.push(vpn);
      else vmas.push([vpn]);
    }
    return vmas;
  }

  /** Pages of one call with one policy, with nothing else between them, are one VMA. */
  #isSameVma(process: NaiveProcess, a: number, b: number): boolean {
    const [one, other] = [process.spots.get(a), process.spots.get(b)];
    if (!one || !other || one.area !== other.area || !isSamePolicy(one.policy, other.policy)) return false;
    if (one.anon && other.anon ? one.anon !== other.anon : (one.anon ?? other.anon)?.isForked) return false;
    return one.index - a === other.index - b;
  }

  #exit(process: NaiveProcess): void {
    process.isAlive = false;
    for (const vm of this.vms) {
      if (vm.process !== process) continue;
      vm.tdp.clear();
      for (const slot of vm.slots.values()) slot.mapped.clear();
    }
    for (const vpn of process.spots.keys()) this.#zap(process, vpn);
    process.spots.clear();
    process.tables.clear();
    process.files.clear();
    process.vm = null;
  }

  /** Files and VMs that nothing refers to any more go. */
  #collect(): void {
    const living = this.living().map(([, process]) => process);
    const held = new Set<NaiveFile | null>();
    for (const process of living) {
      for (const file of process.files.values()) held.add(file);
      for (const { area } of process.spots.values()) held.add(area.file);
    }
    for (const file of this.files) {
      if (held.has(file)) continue;
      for (const slot of file.vm?.slots.values() ?? []) {
        if (slot.file !== file) continue;
        slot.file = null;
        slot.mapped.clear();
      }
      this.files.delete(file);
    }
    for (const vm of this.vms) {
      const hasFile = [...this.files].some((file) => file.vm === vm);
      if (!hasFile && !living.some((process) => process.vm === vm)) this.vms.delete(vm);
    }
  }

  // Files

  #create(process: NaiveProcess, kind: NaiveFile['kind'], name: string, worker: string): void {
    const real = this.world.workers.get(worker)!.objects.get(name)!.inode!;
    if (kind === 'gmem') process.vm ??= this.#newVm(process, false);
    const vm = kind === 'gmem' ? process.vm : null;
    const file: NaiveFile = { kind, real, pages: new Map(), policy: new Map(), vm };
    this.files.add(file);
    process.files.set(name, file);
  }

  /** The page of a file at an index, allocated where there is none. */
  #fill(process: NaiveProcess, thread: Thread, file: NaiveFile, index: number): NaivePage {
    const found = file.pages.get(index);
    if (found) {
      this.#isBroken = true;
      return found;
    }
    const policy = file.policy.get(index) ?? thread.policy;
    const node =
      file.kind === 'shmem'
        ? this.#placed(policy, thread, file.real.ino + index)
        : this.#placedByCounter(policy, thread, file, index);
    const page: NaivePage = { kind: file.kind, node, group: process.group, maps: 0, isUptodate: false };
    file.pages.set(index, page);
    return page;
  }

  #punch(file: NaiveFile, index: number, count: number): void {
    const isInside = (at: number): boolean => at >= index && at < index + count;
    for (const process of this.processes.values()) {
      for (const [vpn, spot] of process.spots) {
        if (spot.area.file !== file || !isInside(spot.index)) continue;
        this.#dropGuestEntry(process, vpn);
        if (process.pt.has(vpn) && process.pt.get(vpn) === file.pages.get(spot.index))
          this.#zap(process, vpn);
      }
    }
    for (let at = index; at < index + count; at++) {
      for (const slot of file.vm?.slots.values() ?? []) if (slot.file === file) slot.mapped.delete(at);
      file.pages.delete(at);
    }
  }

  // Placement

  /** Node of a page whose interleave index is known. */
  #placed(policy: Policy | null, thread: Thread, ilx: number): number {
    const { kernel } = this.world;
    const nid = kernel.cpuNode[thread.cpu]!;
    switch (policy?.mode) {
      case 'interleave':
      case 'winterleave': {
        const round = roundOf(policy, kernel.weights);
        return round[ilx % round.length]!;
      }
      case 'bind':
      case 'prefmany':
        return kernel.zonelists[nid]!.find((node) => policy.nodes.includes(node))!;
      case 'preferred':
        return policy.nodes[0]!;
      default:
        return nid;
    }
  }

  /** A gmem page goes where the thread's counter says: taken from the world under test, and noted for a check of the spread. */
  #placedByCounter(policy: Policy | null, thread: Thread, file: NaiveFile, index: number): number {
    if (policy?.mode !== 'interleave' && policy?.mode !== 'winterleave')
      return this.#placed(policy, thread, 0);
    const { kernel } = this.world;
    const node = kernel.nidOf(file.real.cache.get(index));
    const last = this.stretches.at(-1);
    if (!last || this.#isBroken || last.policy !== policy) this.stretches.push({ policy, nodes: [node] });
    else last.nodes.push(node);
    this.#isBroken = false;
    return node;
  }

  // Address spaces

  #map(
    process: NaiveProcess,
    name: string,
    file: NaiveFile | null,
    shared: boolean,
    noreserve: boolean,
  ): void {
    const worker = [...this.world.workers.values()].find(
      ({ process: real }) => this.processes.get(real.worker) === process,
    )!;
    const { vpn, mappedPages } = worker.objects.get(name)!;
    let backing = file;
    if (!file && shared) {
      const real = worker.process.mm!.find(vpn!)!.file!;
      backing = { kind: 'shmem', real, pages: new Map(), policy: new Map(), vm: null };
      this.files.add(backing);
    }
    const area: Area = { file: backing, shared, isAccounted: !shared && !noreserve };
    for (let i = 0; i < mappedPages; i++) {
      if (process.spots.has(vpn! + i)) throw new Error(`page ${vpn! + i} was mapped already`);
      process.spots.set(vpn! + i, { area, index: backing ? i : vpn! + i, policy: null, anon: null });
    }
    process.addresses.set(name, { vpn: vpn!, pages: mappedPages });
  }

  #unmap(process: NaiveProcess, { name, range }: StepArgs['unmap']): void {
    const { vpn, pages } = process.addresses.get(name)!;
    const first = vpn + (range ? range.offset / PAGE_SIZE : 0);
    const count = range ? range.bytes / PAGE_SIZE : pages;
    for (const vma of this.#vmas(process)) {
      const part = vma.filter((at) => at >= first && at < first + count);
      if (part.length > 0) this.#cut(process, vma, part);
    }
    for (let at = first; at < first + count; at++) {
      this.#zap(process, at);
      process.spots.delete(at);
    }
    const spanned = [1, 2, 3].map(
      (level) => new Set([...process.spots.keys()].map((at) => tableOf(at, level))),
    );
    for (const table of process.tables)
      if (!spanned.some((tables) => tables.has(table))) process.tables.delete(table);
  }

  #mbind(process: NaiveProcess, args: StepArgs['mbind']): void {
    const policy = policyOf(args);
    const { vpn } = process.addresses.get(args.name)!;
    const differs = (at: number): boolean =>
      JSON.stringify(process.spots.get(at)!.policy) !== JSON.stringify(policy);
    const pages = new Set<number>();
    this.#each(args, (page) => pages.add(vpn + page));
    for (const vma of this.#vmas(process)) {
      const changed = vma.filter((at) => pages.has(at));
      if (changed.length > 0 && differs(changed[0]!)) this.#cut(process, vma, changed);
    }
    this.#each(args, (page) => {
      const spot = process.spots.get(vpn + page)!;
      const { file } = spot.area;
      process.spots.set(vpn + page, { ...spot, policy });
      if (!file || (file.kind === 'gmem' && !this.world.kernel.profile.gmemSharedPolicy)) return;
      if (policy) file.policy.set(spot.index, policy);
      else file.policy.delete(spot.index);
    });
  }

  /** A user access to one page. False where it ends with a signal. */
  #access(process: NaiveProcess, thread: Thread, vpn: number, isWrite: boolean): boolean {
    const spot = process.spots.get(vpn);
    if (!spot) return false;
    const { file, shared } = spot.area;
    if (file?.kind === 'gmem' && (file.real.flags & 2) === 0) return false;
    const found = process.pt.get(vpn);
    if (found) {
      if (!isWrite || shared || (found.kind === 'anon' && found.maps === 1)) return true;
      this.#zap(process, vpn);
      this.#mapAnon(process, thread, vpn, spot);
      return true;
    }
    addTables(process.tables, vpn, 3);
    if (!file) {
      if (isWrite) this.#mapAnon(process, thread, vpn, spot);
      return true;
    }
    const page = this.#fill(process, thread, file, spot.index);
    page.isUptodate = true;
    if (isWrite && !shared) this.#mapAnon(process, thread, vpn, spot);
    else this.#mapPage(process, vpn, page);
    if (!isWrite && file.kind !== 'gmem') this.#faultAround(process, vpn);
    return true;
  }

  /** The 16 pages around a read fault that are in the page cache and up to date, within the VMA. */
  #faultAround(process: NaiveProcess, vpn: number): void {
    const window = vpn - (vpn % 16);
    for (let at = window; at < window + 16; at++) {
      if (process.pt.has(at) || !this.#isSameVma(process, vpn, at)) continue;
      const { area, index } = process.spots.get(at)!;
      const page = area.file!.pages.get(index);
      if (page?.isUptodate) this.#mapPage(process, at, page);
    }
  }

  #mapAnon(process: NaiveProcess, thread: Thread, vpn: number, { area, index, policy }: Spot): void {
    this.#prepareAnon(process, vpn);
    const own = area.file ? (area.file.policy.get(index) ?? null) : policy;
    const node = this.#placed(own ?? thread.policy, thread, (area.file?.real.ino ?? 0) + index);
    this.#mapPage(process, vpn, { kind: 'anon', node, group: process.group, maps: 0, isUptodate: true });
  }

  /** All of a VMA may hold anonymous pages from its first on. */
  #prepareAnon(process: NaiveProcess, vpn: number): void {
    if (process.spots.get(vpn)!.anon) return;
    const anon = { isForked: false };
    const vma = this.#vmas(process).find((pages) => pages.includes(vpn))!;
    for (const at of vma) process.spots.get(at)!.anon = anon;
  }

  #mapPage(process: NaiveProcess, vpn: number, page: NaivePage): void {
    process.pt.set(vpn, page);
    page.maps++;
  }

  #zap(process: NaiveProcess, vpn: number): void {
    const page = process.pt.get(vpn);
    if (page) page.maps--;
    process.pt.delete(vpn);
    this.#dropGuestEntry(process, vpn);
  }

  /** Where a part of a VMA is cut off, entries of guests go in the 2 MiB around the cut that the VMA covers. */
  #cut(process: NaiveProcess, vma: number[], part: number[]): void {
    for (const border of [part[0]!, part.at(-1)! + 1]) {
      const first = border - (border % 512);
      if (border === first || first < vma[0]! || first + 512 > vma.at(-1)! + 1) continue;
      for (let at = first; at < first + 512; at++) this.#dropGuestEntry(process, at);
    }
  }

  /** MMU notifier. */
  #dropGuestEntry(process: NaiveProcess, vpn: number): void {
    for (const vm of this.vms) {
      if (vm.process !== process) continue;
      for (const slot of vm.slots.values()) {
        const gfn = slot.gfn + vpn - slot.vpn;
        if (slot.vpn > 0 && vpn >= slot.vpn && vpn < slot.vpn + slot.pages) vm.tdp.delete(gfn);
      }
    }
  }

  // Guests

  #newVm(process: NaiveProcess, hasPrivateMemory: boolean): NaiveVm {
    const vm: NaiveVm = {
      process,
      hasPrivateMemory,
      slots: new Map(),
      private: new Set(),
      tdp: new Map(),
      tables: new Set(),
    };
    this.vms.add(vm);
    return vm;
  }

  #slot(process: NaiveProcess, args: StepArgs['vm slot']): void {
    const vm = process.vm!;
    if (vm.slots.has(args.slot)) return;
    const file = args.gmem === null ? null : process.files.get(args.gmem)!;
    vm.slots.set(args.slot, {
      gfn: args.gpa / PAGE_SIZE,
      pages: args.bytes / PAGE_SIZE,
      vpn: args.object === null ? 0 : process.addresses.get(args.object)!.vpn,
      file,
      index: args.gmemOffset / PAGE_SIZE,
      takesAllFromGmem: file !== null && !vm.hasPrivateMemory,
      mapped: new Set(),
    });
  }

  #unslot(vm: NaiveVm, id: number): void {
    const slot = vm.slots.get(id)!;
    for (let i = 0; i < slot.pages; i++) vm.tdp.delete(slot.gfn + i);
    vm.slots.delete(id);
  }

  #convert(vm: NaiveVm, { gpa, bytes, to }: StepArgs['vm attr']): 'ok' | 'fails' {
    if (to === 'private' && !vm.hasPrivateMemory) return 'fails';
    for (let gfn = gpa / PAGE_SIZE; gfn < (gpa + bytes) / PAGE_SIZE; gfn++) {
      if (vm.private.has(gfn) === (to === 'private')) continue;
      if (to === 'private') vm.private.add(gfn);
      else vm.private.delete(gfn);
      const slot = slotAt(vm, gfn);
      if (to === 'private') vm.tdp.delete(gfn);
      else slot?.mapped.delete(slot.index + gfn - slot.gfn);
    }
    return 'ok';
  }

  #discard(vm: NaiveVm, { gpa, bytes, to, discard }: StepArgs['vm convert']): void {
    const given = (pool: 'private' | 'shared'): boolean =>
      discard === 'left' ? to !== pool : discard === pool || discard === 'both';
    for (let gfn = gpa / PAGE_SIZE; gfn < (gpa + bytes) / PAGE_SIZE; gfn++) {
      const slot = slotAt(vm, gfn);
      if (!slot) continue;
      if (given('private') && slot.file) this.#punch(slot.file, slot.index + gfn - slot.gfn, 1);
      const vpn = slot.vpn + gfn - slot.gfn;
      const spot = slot.vpn > 0 ? vm.process.spots.get(vpn) : undefined;
      if (!given('shared') || !spot) continue;
      this.#zap(vm.process, vpn);
      if (spot.area.file) this.#punch(spot.area.file, spot.index, 1);
    }
  }

  #guestTouch(process: NaiveProcess, args: StepArgs['vm touch']): 'ok' | 'fails' {
    const first = args.gpa / PAGE_SIZE;
    const count = args.bytes / PAGE_SIZE;
    const order: number[] = [];
    if (args.random) {
      forEachRandom(count, args.random.count, args.random.seed, (batch, length) => {
        order.push(...batch.subarray(0, length));
        return true;
      });
    } else for (let i = 0; i < count; i += args.step / PAGE_SIZE) order.push(i);
    const thread = (args.vcpu === 1 ? process.vcpu : null) ?? process;
    for (const i of order) {
      if (args.step > PAGE_SIZE && !args.random) this.#isBroken = true;
      if (this.#guestAccess(process.vm!, thread, first + i)) continue;
      process.vm!.tables = null;
      return 'fails';
    }
    return 'ok';
  }

  #guestAccess(vm: NaiveVm, thread: Thread, gfn: number): boolean {
    const slot = slotAt(vm, gfn);
    if (!slot) return false;
    if (slot.takesAllFromGmem || vm.private.has(gfn)) {
      if (!slot.file) return false;
      const index = slot.index + gfn - slot.gfn;
      if (slot.mapped.has(index)) {
        this.#isBroken = true;
        return true;
      }
      addTables(vm.tables, gfn, 3);
      this.#fill(vm.process, thread, slot.file, index);
      slot.mapped.add(index);
      return true;
    }
    this.#isBroken = true;
    if (vm.tdp.has(gfn)) return true;
    const vpn = slot.vpn + gfn - slot.gfn;
    if (slot.vpn === 0) return false;
    addTables(vm.tables, gfn, 3);
    if (!this.#access(vm.process, thread, vpn, true)) return false;
    vm.tdp.set(gfn, vm.process.pt.get(vpn)!);
    return true;
  }

  #each({ offset, bytes }: { offset: number; bytes: number }, visit: (page: number) => void): void {
    for (let page = offset / PAGE_SIZE; page < (offset + bytes) / PAGE_SIZE; page++) visit(page);
  }
}

function slotAt(vm: NaiveVm, gfn: number): NaiveSlot | undefined {
  return [...vm.slots.values()].find((slot) => gfn >= slot.gfn && gfn < slot.gfn + slot.pages);
}

const tableOf = (page: number, level: number): string => `${level}:${Math.floor(page / 512 ** level)}`;

function addTables(tables: Set<string> | null, page: number, levels: number): void {
  for (let level = 1; level <= levels; level++) tables?.add(tableOf(page, level));
}

/** One round of an interleaving policy, a node as often as its weight says. */
export function roundOf({ mode, nodes }: Policy, weights: readonly number[]): number[] {
  return mode === 'winterleave'
    ? nodes.flatMap((nid) => Array.from({ length: weights[nid]! }, () => nid))
    : [...nodes];
}

const POLICY_CACHE = new Map<string, Policy | null>();

/** Policies by value, so that pages can share them. */
function policyOf({ mode, nodes }: { mode: ModeName; nodes: number[] }): Policy | null {
  const key = `${mode} ${nodes.join()}`;
  if (!POLICY_CACHE.has(key))
    POLICY_CACHE.set(key, makePolicy(mode, [], nodes, [0, 1, 2, 3]) as Policy | null);
  return POLICY_CACHE.get(key)!;
}

const isSamePolicy = (a: Policy | null, b: Policy | null): boolean => a === b;
