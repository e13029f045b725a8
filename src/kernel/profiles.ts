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
  /** Removing a group hands its page charges to the parent at once. */
  reparentsFolios: boolean;
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
    weightedHits: false,
    guestFaultDirties: false,
    slabFollowsPolicy: true,
    gmemReferenced: true,
    gmemOverlapExists: false,
    chargeSlots: 1,
    reparentsFolios: false,
  },
  '6.18': {
    version: '6.18',
    gmemFlags: 3,
    softDirty: true,
    gmemOnlySlots: true,
    gmemSharedPolicy: false,
    gmemName: 'anon_inode:[kvm-gmem]',
    gmemDev: '00:10',
    weightedHits: true,
    guestFaultDirties: true,
    slabFollowsPolicy: true,
    gmemReferenced: true,
    gmemOverlapExists: false,
    chargeSlots: 7,
    reparentsFolios: false,
  },
  '7.3': {
    version: '7.3',
    gmemFlags: 3,
    softDirty: true,
    gmemOnlySlots: true,
    gmemSharedPolicy: true,
    gmemName: '/[kvm-gmem] (deleted)',
    gmemDev: '00:1b',
    weightedHits: true,
    guestFaultDirties: true,
    slabFollowsPolicy: false,
    gmemReferenced: false,
    gmemOverlapExists: true,
    chargeSlots: 7,
    reparentsFolios: true,
  },
};
