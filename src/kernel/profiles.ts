/** What differs between kernel versions, as data. */
export interface KernelProfile {
  version: '6.12' | '6.18' | '7.3';
  /** Bits that KVM_CREATE_GUEST_MEMFD accepts: 1 MMAP, 2 INIT_SHARED. */
  gmemFlags: number;
  /** VMAs carry VM_SOFTDIRTY (CONFIG_MEM_SOFT_DIRTY, as Debian builds). */
  softDirty: boolean;
  /** KVM_MEM_GUEST_MEMFD is accepted for VM types without private memory (both kinds of fault then come from gmem). */
  gmemOnlySlots: boolean;
  /** mbind on a mapped gmem stores a shared policy in its inode. */
  gmemSharedPolicy: boolean;
  /**
   * A private huge page that its owner lets go brings a promise back even where children still map it; the owner's exit then takes back
   * more promises than there are.
   */
  hugetlbRestoresShared: boolean;
  /** One thread for four CPUs fills the pool of huge pages at boot (6.15); else two for each node with memory. */
  poolThreadsByCpu: boolean;
  /** Device of the kernel's own hugetlbfs mount for 2 MiB pages, as maps prints it. */
  hugetlbDev: string;
  /** Name of a gmem file in fd links and maps. */
  gmemName: string;
  /** Device of the file system that gmem inodes live on, as maps prints it. */
  gmemDev: string;
  /** NUMA_INTERLEAVE_HIT counts weighted interleave too. */
  weightedHits: boolean;
  /** A guest write through a writable slot sets PG_dirty at the fault. */
  guestFaultDirties: boolean;
  /** Slab pages follow the task's mempolicy; else they come from the CPU's node. Seen on 6.12 and 7.3; 6.18 is taken to be like 6.12. */
  slabFollowsPolicy: boolean;
  /** New gmem folios carry PG_referenced. */
  gmemReferenced: boolean;
  /** Overlapping gmem bindings fail with EEXIST instead of EINVAL. */
  gmemOverlapExists: boolean;
  /** Groups whose charge stock a CPU keeps at a time. */
  chargeSlots: number;
  /** Minor number of the unnamed device that the first mount of a script gets, after those that Debian's kernel has taken in booting. */
  firstMountMinor: number;
  /** MADV_DONTNEED frees page tables that it empties as a whole (CONFIG_PT_RECLAIM, 6.14). */
  dontneedFreesTables: boolean;
  /** A huge folio is written to a disk as a whole where swap has 512 slots in a row; before 6.13 only to one that does not rotate. */
  swapsHugeFolios: boolean;
  /** struct kvm_svm: an area of vmalloc, or (6.18) a slab object of 8 KiB, which counts here as pages without a statistic. */
  vmStruct: { use: 'vmalloc' | 'kernel_other'; pages: number };
  /** memory.stat counts page tables of processes; 6.18 shows 0, though it charges them. */
  memcgCountsTables: boolean;
  /** smaps calls a mapping of tmpfs eligible for huge pages when it has room for any folio; later ones ask for room for a huge one. */
  shmemEligibleAtAnySize: boolean;
  /** Fault-around maps the large folios that its window touches as a whole (6.18). */
  aroundMapsFolios: boolean;
  /** Faults on mapped files of a mounted tmpfs may get folios of every order, and smaps calls their mappings eligible by that. */
  tmpfsFaultsAnyOrder: boolean;
  /** tmpfs takes folios of every order, so stat calls a file huge that two pages fit in, where huge pages must lie within the file (6.14). */
  shmemOfAnyOrder: boolean;
  /** Whoever maps a huge folio with one entry in a locked VMA marks it: migration, and faults on page cache (mm/rmap.c, 6.18). Before, single pages only. */
  rmapLocksHuge: boolean;
  /** A huge page that does not fit below memory.max is a `max` event, though base pages do instead. Seen on 7.3. */
  countsRefusedHuge: boolean;
  /** Pages that only a fork has mapped do not count as referenced in smaps; on 7.3 folios that a fault made carry PG_referenced. */
  forkedPagesAreOld: boolean;
  /**
   * A single entry for a page of a huge folio that a fork has shared may be written again once nobody else maps the folio
   * (__wp_can_reuse_large_anon_folio, 6.15); else the page is copied.
   */
  reusesHugeFolios: boolean;
  /** A write to the huge zero page is answered with a huge folio (mm/huge_memory.c:do_huge_zero_wp_pmd, 6.13); else it is split. */
  hugeZeroGivesWay: boolean;
  /** Anonymous pages that nothing may write to without a fault can be collapsed (6.18). */
  collapsesReadOnly: boolean;
  /** MADV_COLLAPSE of a range that no block fits into succeeds. Seen on 7.3, and not on 6.12 and 6.18. */
  collapsesLessThanOne: boolean;
  /** A VMA without anonymous pages takes in one that has some (vma_had_uncowed_parents, 6.16); before, only the other way round. */
  mergesUnfaulted: boolean;
  /** Removing a group hands its page charges to the parent at once. */
  reparentsFolios: boolean;
  /** Reclaim leaves pages that have come back from swap for the last. Seen on 7.3, and not on 6.12 and 6.18. */
  sparesRefaulted: boolean;
  /** Huge pages of tmpfs alone raise min_free_kbytes, too, as soon as they are switched on. Not so on 6.12, seen on 6.18 and 7.3. */
  shmemThpKeepsFree: boolean;
  /** MADV_FREE clears the accessed bits. Seen on 6.12 and 6.18, and not on 7.3. */
  freeClearsYoung: boolean;
  /** What memory.reclaim takes is counted apart from direct reclaim (6.16). */
  countsProactive: boolean;
}

export const PROFILES: Readonly<Record<KernelProfile['version'], KernelProfile>> = {
  '6.12': {
    version: '6.12',
    gmemFlags: 0,
    softDirty: true,
    gmemOnlySlots: false,
    gmemSharedPolicy: false,
    gmemName: 'anon_inode:[kvm-gmem]',
    gmemDev: '00:10',
    hugetlbRestoresShared: true,
    poolThreadsByCpu: false,
    hugetlbDev: '00:11',
    weightedHits: false,
    guestFaultDirties: false,
    slabFollowsPolicy: true,
    gmemReferenced: true,
    gmemOverlapExists: false,
    chargeSlots: 1,
    firstMountMinor: 0x1a,
    dontneedFreesTables: false,
    swapsHugeFolios: false,
    vmStruct: { use: 'vmalloc', pages: 10 },
    memcgCountsTables: true,
    shmemEligibleAtAnySize: true,
    aroundMapsFolios: false,
    tmpfsFaultsAnyOrder: false,
    shmemOfAnyOrder: false,
    rmapLocksHuge: false,
    countsRefusedHuge: false,
    forkedPagesAreOld: true,
    reusesHugeFolios: false,
    hugeZeroGivesWay: false,
    collapsesReadOnly: false,
    collapsesLessThanOne: false,
    mergesUnfaulted: false,
    reparentsFolios: false,
    sparesRefaulted: false,
    shmemThpKeepsFree: false,
    freeClearsYoung: true,
    countsProactive: false,
  },
  '6.18': {
    version: '6.18',
    gmemFlags: 3,
    softDirty: true,
    gmemOnlySlots: true,
    gmemSharedPolicy: false,
    gmemName: 'anon_inode:[kvm-gmem]',
    gmemDev: '00:10',
    hugetlbRestoresShared: true,
    poolThreadsByCpu: true,
    hugetlbDev: '00:11',
    weightedHits: true,
    guestFaultDirties: true,
    slabFollowsPolicy: true,
    gmemReferenced: true,
    gmemOverlapExists: false,
    chargeSlots: 7,
    firstMountMinor: 0x1a,
    dontneedFreesTables: true,
    swapsHugeFolios: true,
    vmStruct: { use: 'kernel_other', pages: 2 },
    memcgCountsTables: false,
    shmemEligibleAtAnySize: false,
    aroundMapsFolios: true,
    tmpfsFaultsAnyOrder: false,
    shmemOfAnyOrder: true,
    rmapLocksHuge: true,
    countsRefusedHuge: false,
    forkedPagesAreOld: true,
    reusesHugeFolios: true,
    hugeZeroGivesWay: true,
    collapsesReadOnly: true,
    collapsesLessThanOne: false,
    mergesUnfaulted: true,
    reparentsFolios: false,
    sparesRefaulted: false,
    shmemThpKeepsFree: true,
    freeClearsYoung: true,
    countsProactive: true,
  },
  '7.3': {
    version: '7.3',
    gmemFlags: 3,
    softDirty: true,
    gmemOnlySlots: true,
    gmemSharedPolicy: true,
    gmemName: '/[kvm-gmem] (deleted)',
    gmemDev: '00:1b',
    hugetlbRestoresShared: false,
    poolThreadsByCpu: true,
    hugetlbDev: '00:14',
    weightedHits: true,
    guestFaultDirties: true,
    slabFollowsPolicy: false,
    gmemReferenced: false,
    gmemOverlapExists: true,
    chargeSlots: 7,
    firstMountMinor: 0x1e,
    dontneedFreesTables: true,
    swapsHugeFolios: true,
    vmStruct: { use: 'kernel_other', pages: 2 },
    memcgCountsTables: true,
    shmemEligibleAtAnySize: false,
    aroundMapsFolios: true,
    tmpfsFaultsAnyOrder: true,
    shmemOfAnyOrder: true,
    rmapLocksHuge: true,
    countsRefusedHuge: true,
    forkedPagesAreOld: false,
    reusesHugeFolios: true,
    hugeZeroGivesWay: true,
    collapsesReadOnly: true,
    collapsesLessThanOne: true,
    mergesUnfaulted: true,
    reparentsFolios: true,
    sparesRefaulted: true,
    shmemThpKeepsFree: true,
    freeClearsYoung: false,
    countsProactive: true,
  },
};
