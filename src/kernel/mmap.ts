import type { Errno } from '../units/errno.ts';
import { isAnonMergeable } from './anon-vma.ts';
import type { Inode } from './inode.ts';
import { discardHugetlb, punchHugetlb } from './hugetlb-file.ts';
import { unmapHugetlb } from './hugetlb-maps.ts';
import { closeMapping } from './hugetlb-reserve.ts';
import { cutsHugePage, type HugetlbVma } from './hugetlb-vma.ts';
import type { Kernel } from './kernel.ts';
import { advisedFlags, flagsText } from './advised-flags.ts';
import { madviseCollapse } from './collapse.ts';
import { accessRange } from './fault.ts';
import { adjustTransHuge } from './huge-maps.ts';
import { populateRange } from './populate.ts';
import type { Policy } from './mempolicy.ts';
import type { Mm } from './mm.ts';
import { mayCommit } from './overcommit.ts';
import { evictUnused, truncateRange } from './page-cache.ts';
import { LaneSet } from './lane-set.ts';
import { mirrorPart, stopMirroring } from './mirror.ts';
import { setMlocked } from './folios.ts';
import { forEachLane } from './page-allocator.ts';
import { forEachMapping, zapRange } from './rmap.ts';
import { freeAccounted } from './accounted-pages.ts';
import { freeLazily } from './lazy-free.ts';
import { pageOut } from './page-out.ts';
import type { Task } from './task.ts';
import { indexOf, isPfnmap, isSpecial, type Vma } from './vma.ts';
import { PAGE_SIZE } from '../units/pages.ts';

/** What a mapping is made of. */
export interface MapRequest {
  pages: number;
  prot: string;
  shared: boolean;
  file: Inode | null;
  pgoff: number;
  /** Fixed page address, or null to let the kernel choose. */
  at: number | null;
  noreserve: boolean;
  name?: string | undefined;
  extraFlags?: readonly string[] | undefined;
  /** Made by a VMM that only wants to call mbind on it: the file takes a mapping on every kernel. */
  forPolicy?: boolean | undefined;
  /** A shadow VMA: stands for private memory, never accessible. */
  shadow?: { isUncounted: boolean; isHidden: boolean; mirrors: boolean } | undefined;
  /** The caller has the range already, as an inaccessible mapping that this one replaces: RLIMIT_DATA is asked about what is there. */
  isReserved?: boolean | undefined;
  /** Huge pages: gets them promised; null where the pool can't cover them. */
  reserve?: (() => HugetlbVma | null) | undefined;
}

/** Pages of a 2 MiB block: addresses chosen by the model start at one. */
const BLOCK = 512;

/** mm/mmap.c:may_expand_vm: RLIMIT_AS, and RLIMIT_DATA for private writable memory. */
function mayExpand(
  mm: Mm,
  { pages, prot, shared, isReserved }: Pick<MapRequest, 'pages' | 'prot' | 'shared' | 'isReserved'>,
): boolean {
  if ((mm.totalVm + pages) * PAGE_SIZE > mm.rlimits.as) return false;
  const added = isReserved ? 0 : pages;
  return shared || prot[1] !== 'w' || (mm.dataVm + added) * PAGE_SIZE <= mm.rlimits.data;
}

/** mmap(2). Returns the page address, or an errno. */
export function mmap(kernel: Kernel, mm: Mm, request: MapRequest): number | Errno {
  const { file, pages } = request;
  if (pages <= 0) return 'EINVAL';
  if (file?.kind === 'gmem' && !request.shadow && !request.forPolicy) {
    if ((file.flags & 1) === 0) return 'ENODEV';
    if (!request.shared) return 'EINVAL';
  }
  const at = request.at ?? mm.findHole(pages, BLOCK);
  if (!request.shadow?.isUncounted && !mayExpand(mm, request)) return 'ENOMEM';
  const isLockable = mm.locksFuture && !isSpecial({ extraFlags: request.extraFlags ?? [] });
  if (isLockable && isBeyondMemlock(kernel, mm, pages)) return 'EAGAIN';
  const covered = mm.overlapping(at, at + pages);
  if (mm.vmas.length - covered.length >= kernel.maxMapCount) return 'ENOMEM';
  // Nobody may ask not to be counted where there is a limit (mm/mmap.c:do_mmap).
  const noreserve = request.noreserve && kernel.overcommit.mode !== 2;
  const isPrivateWritable = !request.shared && request.prot[1] === 'w';
  const isAccounted = isPrivateWritable && !noreserve && !request.reserve;
  const reservesFile = !file && request.shared && !noreserve;
  const added = isAccounted || reservesFile ? pages - committedIn(covered, at, pages) : 0;
  if (!mayCommit(kernel, mm, added)) return 'ENOMEM';
  if (covered.length > 0) {
    const errno = munmap(kernel, mm, at, pages);
    if (errno) return errno;
  }
  const hugetlb = request.reserve?.() ?? null;
  if (request.reserve && !hugetlb) return 'ENOMEM';
  const isUnreserved = noreserve && !request.shadow && !hugetlb;
  let backing = file;
  if (!file && request.shared) {
    backing = kernel.newInode({
      kind: 'shmem',
      dev: '00:01',
      path: '/dev/zero (deleted)',
      name: 'shared anonymous memory',
      sizePages: pages,
      reservesWhole: reservesFile,
      cpu: kernel.processes.get(mm.worker)?.main.cpu ?? 0,
    });
    if (reservesFile) kernel.committed += pages;
  }
  if (isAccounted) kernel.committed += pages;
  mm.insert({
    start: at,
    end: at + pages,
    prot: request.prot,
    shared: request.shared,
    file: backing,
    pgoff: backing ? request.pgoff : at,
    policy: null,
    anonVma: null,
    name: request.name ?? '',
    isAccounted,
    isLocked: false,
    // A shadow VMA has the flags that its design gives it; hugetlb adds its own.
    extraFlags: isUnreserved ? [...(request.extraFlags ?? []), 'nr'] : (request.extraFlags ?? []),
    isShadow: request.shadow !== undefined,
    shadowPages: request.shadow ? new LaneSet() : null,
    mirrors: request.shadow?.mirrors ?? false,
    isCopy: false,
    isForPolicy: request.forPolicy ?? false,
    isUncounted: request.shadow?.isUncounted ?? false,
    isHidden: request.shadow?.isHidden ?? false,
    hugetlb,
  });
  mm.noteVm();
  const owner = kernel.processes.get(mm.worker)?.main;
  if (mm.locksFuture && owner) lockVma(kernel, owner, mm, mm.find(at)!);
  return at;
}

/** Pages of a range that are committed already: a mapping over them gives them back. */
const committedIn = (vmas: readonly Vma[], start: number, count: number): number =>
  vmas.reduce(
    (sum, vma) =>
      vma.isAccounted ? sum + Math.min(vma.end, start + count) - Math.max(vma.start, start) : sum,
    0,
  );

/** munmap(2): page-table entries, tables that no neighbour needs, and the VMAs. The kernel's own calls heed no seal. */
export function munmap(kernel: Kernel, mm: Mm, vpn: number, pages: number, isForced = false): Errno | 0 {
  if (pages <= 0 || cutsHugePage(mm, vpn, vpn + pages)) return 'EINVAL';
  if (!isForced && isSealed(mm, vpn, pages)) return 'EPERM';
  for (const border of [vpn, vpn + pages]) {
    const vma = mm.find(border);
    if (vma && vma.start !== border && mm.vmas.length >= kernel.maxMapCount) return 'ENOMEM';
  }
  const inside = isolate(kernel, mm, vpn, vpn + pages);
  for (const vma of inside) {
    // The last reference to a file takes its shadow mappings along.
    if (mm.find(vma.start) !== vma) continue;
    if (vma.isLocked) markLocked(kernel, mm, vma, false);
    if (vma.hugetlb) unmapHugetlb(kernel, mm, vma, vma.start, vma.end - vma.start);
    else zapRange(kernel, mm, vma.start, vma.end - vma.start);
    mm.remove(vma);
    closeMapping(kernel, vma);
    if (vma.isAccounted) kernel.committed -= vma.end - vma.start;
    if (vma.isLocked) mm.lockedPages -= vma.end - vma.start;
    if (vma.file) evictUnused(kernel, vma.file);
  }
  if (inside.length > 0) freeUnusedTables(kernel, mm, inside[0]!.start, inside[inside.length - 1]!.end);
  return 0;
}

/** mseal(2): a sealed mapping may be neither unmapped, replaced nor resized (mm/mseal.c:can_modify_mm). */
const isSealed = (mm: Mm, vpn: number, pages: number): boolean =>
  mm.overlapping(vpn, vpn + pages).some(({ extraFlags }) => extraFlags.includes('sl'));

/**
 * mremap(2) without flags: the tail goes, or the mapping grows where it stands (mm/mremap.c:vma_to_resize). A mapping that may not grow
 * says EFAULT, one without room behind it ENOMEM.
 */
export function mremap(kernel: Kernel, mm: Mm, vpn: number, pages: number, newPages: number): Errno | 0 {
  const vma = mm.find(vpn);
  if (newPages <= 0) return 'EINVAL';
  if (!vma || vpn + Math.min(pages, newPages) > vma.end) return 'EFAULT';
  if (isSealed(mm, vpn, pages)) return 'EPERM';
  if (newPages <= pages) {
    return newPages === pages ? 0 : munmap(kernel, mm, vpn + newPages, pages - newPages);
  }
  if (vma.hugetlb || vpn + pages > vma.end || isGrowthBarred(vma)) return 'EFAULT';
  const added = newPages - pages;
  if (vma.isLocked && isBeyondMemlock(kernel, mm, added)) return 'EAGAIN';
  if (!vma.isUncounted && !mayExpand(mm, { ...vma, pages: added })) return 'ENOMEM';
  if (vma.isAccounted && !mayCommit(kernel, mm, added)) return 'ENOMEM';
  if (vpn + pages !== vma.end || mm.overlapping(vma.end, vma.end + added).length > 0) return 'ENOMEM';
  mm.remove(vma);
  const grown = { ...vma, end: vma.end + added };
  mm.insert(grown);
  if (vma.isAccounted) kernel.committed += added;
  if (vma.isLocked) mm.lockedPages += added;
  if (vma.mirrors) mirrorPart(kernel, mm, grown, indexOf(vma, vma.end), added);
  mm.noteVm();
  return 0;
}

const isGrowthBarred = ({ extraFlags }: Vma): boolean =>
  extraFlags.includes('de') || extraFlags.includes('pf');

/** mlock_future_ok: RLIMIT_MEMLOCK of a plain user. */
const isBeyondMemlock = (kernel: Kernel, mm: Mm, pages: number): boolean =>
  kernel.processes.get(mm.worker)?.uid !== 0 && (mm.lockedPages + pages) * PAGE_SIZE > mm.rlimits.memlock;

/** Cuts VMAs at both ends of a range, and the huge entries there (mm/vma.c:__split_vma). */
function isolate(kernel: Kernel, mm: Mm, start: number, end: number): Vma[] {
  adjustTransHuge(kernel, mm, start, end);
  return mm.isolate(start, end);
}

/** mm/memory.c:free_pgd_range: a table goes when no VMA is left in what it spans. */
export function freeUnusedTables(kernel: Kernel, mm: Mm, start: number, end: number): void {
  const isUnmapped = (at: number, n: number): boolean => mm.overlapping(at, at + n).length === 0;
  const freed = mm.tables.remove(start, end - start, isUnmapped);
  freeAccounted(kernel, mm.tablePages, 'pagetables', freed);
}

/** mm/pt_reclaim.c: the lowest tables of a range that was emptied as a whole. */
function freeEmptyTables(kernel: Kernel, mm: Mm, vpn: number, count: number): void {
  const first = Math.ceil(vpn / BLOCK);
  const last = Math.floor((vpn + count) / BLOCK);
  if (first < last) {
    freeAccounted(kernel, mm.tablePages, 'pagetables', mm.tables.removeLeaves(first, last - first));
  }
}

/**
 * mbind(2) without the migration that MPOL_MF_MOVE asks for (mm/mempolicy.c:mbind_range). Shared memory files keep the policy in the
 * inode, for the whole VMA that the change leaves, neighbours of the range with it where they are joined (vma_replace_policy). What has the
 * policy already is neither split nor set anew.
 */
export function mbind(kernel: Kernel, mm: Mm, vpn: number, pages: number, policy: Policy | null): Errno | 0 {
  if (pages === 0) return 0;
  const end = vpn + pages;
  const inside = mm.overlapping(vpn, end);
  const covered = inside.reduce((sum, vma) => sum + Math.min(vma.end, end) - Math.max(vma.start, vpn), 0);
  // The default policy may be set across holes.
  if (covered === 0 || (covered < pages && policy !== null)) return 'EFAULT';
  const changed = inside
    .filter((vma) => !isSamePolicy(vma.policy, policy))
    .map((vma) => ({ from: Math.max(vma.start, vpn), to: Math.min(vma.end, end) }));
  if (changed.some(({ from, to }) => cutsHugePage(mm, from, to))) return 'EINVAL';
  for (const { from, to } of changed) {
    for (const vma of isolate(kernel, mm, from, to)) {
      // The VMA keeps the policy, too; numa_maps of shared memory files asks the inode first.
      vma.policy = policy;
      const whole = joinNeighbours(kernel, mm, vma);
      const file = whole.file;
      if (file && (file.kind === 'shmem' || (file.kind === 'gmem' && kernel.profile.gmemSharedPolicy))) {
        file.policy.set(indexOf(whole, whole.start), indexOf(whole, whole.end), policy);
      }
    }
  }
  return 0;
}

/** Joins a VMA that has changed to neighbours that it has become like (mm/vma.c:vma_merge_existing_range). Returns what it is part of now. */
function joinNeighbours(kernel: Kernel, mm: Mm, changed: Vma): Vma {
  const before = mm.find(changed.start - 1);
  const after = mm.find(changed.end);
  const left = before && isAlike(before, changed) && isAnonMergeable(kernel, before, changed) ? before : null;
  const right = after && isAlike(changed, after) && isAnonMergeable(kernel, after, changed) ? after : null;
  const [one, other] = [left?.anonVma, right?.anonVma];
  const joined = one && other && one !== other ? [left!, changed] : [left, changed, right];
  const parts = joined.filter((vma) => vma !== null);
  if (parts.length === 1) return changed;
  for (const part of parts) mm.remove(part);
  const anonVma = parts.find((part) => part.anonVma)?.anonVma ?? null;
  const whole: Vma = { ...parts[0]!, end: parts.at(-1)!.end, anonVma };
  mm.insert(whole);
  return whole;
}

function isAlike(left: Vma, right: Vma): boolean {
  return (
    left.hugetlb === null &&
    right.hugetlb === null &&
    left.prot === right.prot &&
    left.shared === right.shared &&
    left.file === right.file &&
    left.pgoff + (left.end - left.start) === right.pgoff &&
    left.isLocked === right.isLocked &&
    left.isShadow === right.isShadow &&
    left.shadowPages === right.shadowPages &&
    left.mirrors === right.mirrors &&
    left.isCopy === right.isCopy &&
    left.isForPolicy === right.isForPolicy &&
    left.isUncounted === right.isUncounted &&
    left.isHidden === right.isHidden &&
    left.name === right.name &&
    isSamePolicy(left.policy, right.policy) &&
    flagsText(left) === flagsText(right)
  );
}

/** mm/mempolicy.c:__mpol_equal. */
const isSamePolicy = (left: Policy | null, right: Policy | null): boolean =>
  JSON.stringify(left) === JSON.stringify(right);

/** madvise(2) with the advice that moves memory or changes flags. */
export function madvise(kernel: Kernel, task: Task, vpn: number, pages: number, advice: string): Errno | 0 {
  const mm = task.process.mm;
  if (!mm) return 'EINVAL';
  const end = vpn + pages;
  let hole = vpn;
  let failed: Errno | 0 = 0;
  for (const vma of mm.overlapping(vpn, end)) {
    if (vma.start > hole) failed = 'ENOMEM';
    hole = Math.min(end, vma.end);
    const from = Math.max(vma.start, vpn);
    const count = hole - from;
    switch (advice) {
      case 'dontneed':
        if (vma.hugetlb) {
          if (!discardHugetlb(kernel, mm, vma, from, count)) return 'EINVAL';
          break;
        }
        if (vma.isLocked || isPfnmap(vma)) return 'EINVAL';
        if (vma.mirrors) stopMirroring(vma);
        zapRange(kernel, mm, from, count);
        if (kernel.profile.dontneedFreesTables) freeEmptyTables(kernel, mm, from, count);
        break;
      case 'remove':
        if (!vma.file) return 'EINVAL';
        if (!vma.shared) return 'EACCES';
        if (vma.isShadow && !vma.extraFlags.includes('mw')) return 'EACCES';
        if (vma.file.kind === 'gmem' && !vma.isShadow) return 'EOPNOTSUPP';
        if (vma.isShadow) kernel.punchGmem(task, vma.file, indexOf(vma, from), count);
        else if (vma.hugetlb) punchHugetlb(kernel, vma.file, indexOf(vma, from), count);
        else truncateRange(kernel, task, vma.file, indexOf(vma, from), count);
        break;
      case 'hugepage':
      case 'nohugepage':
      case 'mergeable':
      case 'unmergeable':
        setFlags(kernel, mm, from, hole, advisedFlags(vma, advice));
        break;
      case 'free': {
        const errno = freeLazily(kernel, mm, vma, from, count);
        if (errno) return errno;
        break;
      }
      case 'collapse': {
        const errno = madviseCollapse(kernel, task, mm, vma, from, count);
        if (errno) return errno;
        break;
      }
      case 'pageout':
        if (vma.isLocked || vma.hugetlb || isPfnmap(vma)) return 'EINVAL';
        pageOut(kernel, task, mm, vma, from, count);
        break;
      case 'populate_read':
      case 'populate_write': {
        const result = populateRange(kernel, task, from, count, advice === 'populate_write', false);
        if (result === 'SIGBUS' || result === 'SIGSEGV') return 'EFAULT';
        if (result) return 'ENOMEM';
        break;
      }
      default:
        return 'EINVAL';
    }
  }
  return hole < end ? 'ENOMEM' : failed;
}

/** Gives a part of one VMA other flags: a VMA of its own, joined to neighbours that are alike; none where nothing changes (mm/madvise.c:madvise_update_vma). */
function setFlags(kernel: Kernel, mm: Mm, start: number, end: number, flags: readonly string[]): void {
  if (flagsText(mm.find(start)!) === flagsText({ extraFlags: flags })) return;
  for (const vma of isolate(kernel, mm, start, end)) {
    vma.extraFlags = flags;
    joinNeighbours(kernel, mm, vma);
  }
}

/**
 * mlock(2) and munlock(2) (mm/mlock.c:do_mlock): what is mapped is marked, then the rest is faulted in; a plain user needs RLIMIT_MEMLOCK.
 * What lies before a hole is marked, too, and not faulted in.
 */
export function mlock(kernel: Kernel, task: Task, vpn: number, pages: number, isLock: boolean): Errno | 0 {
  const mm = task.process.mm;
  if (!mm) return 'ENOMEM';
  const end = vpn + pages;
  if (isLock && isBeyondMemlock(kernel, mm, pages - lockedIn(mm, vpn, end))) return 'ENOMEM';
  let at = vpn;
  for (const vma of mm.overlapping(vpn, end)) {
    if (vma.start > at) return 'ENOMEM';
    const from = at;
    at = Math.min(vma.end, end);
    // Huge pages are never locked, only faulted in; what is as asked for isn't split (mm/mlock.c:mlock_fixup).
    if (!vma.hugetlb && vma.isLocked !== isLock && !isSpecial(vma)) setLocked(kernel, mm, from, at, isLock);
  }
  if (at < end) return 'ENOMEM';
  return isLock ? populateLocked(kernel, task, mm, vpn, pages) : 0;
}

/** mm/mlock.c:count_mm_mlocked_page_nr. */
const lockedIn = (mm: Mm, start: number, end: number): number =>
  mm
    .overlapping(start, end)
    .filter(({ isLocked }) => isLocked)
    .reduce((sum, vma) => sum + Math.min(vma.end, end) - Math.max(vma.start, start), 0);

/** A part of one VMA gets or loses VM_LOCKED: what is mapped is marked first; the faults that follow leave huge page cache out. */
function setLocked(kernel: Kernel, mm: Mm, start: number, end: number, isLock: boolean): void {
  for (const vma of isolate(kernel, mm, start, end)) {
    vma.isLocked = isLock;
    mm.lockedPages += isLock ? end - start : start - end;
    markLocked(kernel, mm, vma, isLock);
    joinNeighbours(kernel, mm, vma);
  }
}

/** __mm_populate for mlock(2): stops at the first page that can't be had, and says so in mlock's words (__mlock_posix_error_return). */
function populateLocked(kernel: Kernel, task: Task, mm: Mm, vpn: number, pages: number): Errno | 0 {
  for (const vma of mm.overlapping(vpn, vpn + pages)) {
    if (isPfnmap(vma)) continue;
    const from = Math.max(vma.start, vpn);
    const count = Math.min(vma.end, vpn + pages) - from;
    const isWrite = vma.prot[1] === 'w' && !vma.shared;
    if (vma.hugetlb) {
      if (accessRange(kernel, task, from, count, isWrite)) return 'ENOMEM';
      continue;
    }
    const failed = vma.isShadow ? 'SIGSEGV' : populateRange(kernel, task, from, count, isWrite, true);
    if (!failed) continue;
    if (vma.isLocked) markLocked(kernel, mm, vma, true, true);
    return failed === 'SIGBUS' || failed === 'SIGSEGV' ? 'ENOMEM' : 'EAGAIN';
  }
  return 0;
}

/**
 * mlockall(2): everything that is mapped, and with `future` whatever will be (mm/mlock.c:apply_mlockall_flags). What can't be faulted in stays
 * out without an error.
 */
export function mlockall(kernel: Kernel, task: Task, future: boolean): Errno | 0 {
  const mm = task.process.mm!;
  if (task.process.uid !== 0 && mm.totalVm * PAGE_SIZE > mm.rlimits.memlock) return 'ENOMEM';
  mm.locksFuture = future;
  for (const vma of Array.from(mm.vmas)) lockVma(kernel, task, mm, vma);
  return 0;
}

/** Locks a whole VMA and faults it in as far as that goes. */
function lockVma(kernel: Kernel, task: Task, mm: Mm, vma: Vma): void {
  const count = vma.end - vma.start;
  if (!vma.hugetlb) {
    if (vma.isLocked || isSpecial(vma)) return;
    vma.isLocked = true;
    mm.lockedPages += count;
    joinNeighbours(kernel, mm, vma);
  }
  if (!vma.isShadow) populateRange(kernel, task, vma.start, count, vma.prot[1] === 'w' && !vma.shared, true);
  if (!vma.hugetlb) markLocked(kernel, mm, vma, true);
}

/** Marks what a VMA maps; a page that goes out of a locked VMA loses its mark. */
function markLocked(kernel: Kernel, mm: Mm, vma: Vma, mlocked: boolean, isFault: boolean = false): void {
  forEachMapping(mm, vma, vma.start, vma.end - vma.start, (_, n, period, lanes) => {
    forEachLane(n, period, lanes, (pfn, length) => setMlocked(kernel, pfn, length, mlocked, isFault));
  });
}
