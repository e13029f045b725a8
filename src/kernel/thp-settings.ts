/** /sys/kernel/mm/transparent_hugepage/enabled. */
export const THP_ENABLED = ['always', 'madvise', 'never'] as const;
/** .../shmem_enabled: huge pages of the kernel's own tmpfs mount (memfds, shared anonymous memory); deny and force hold for every mount. */
export const THP_SHMEM = ['always', 'within_size', 'advise', 'never', 'deny', 'force'] as const;
/** .../defrag: who may reclaim and compact for a huge page. */
export const THP_DEFRAG = ['always', 'defer', 'defer+madvise', 'madvise', 'never'] as const;
/** The huge= option of a tmpfs mount. */
export const TMPFS_HUGE = ['always', 'within_size', 'advise', 'never'] as const;

/** What root has set for transparent huge pages. */
export interface ThpSettings {
  enabled: (typeof THP_ENABLED)[number];
  shmem: (typeof THP_SHMEM)[number];
  defrag: (typeof THP_DEFRAG)[number];
}

export const NO_THP: ThpSettings = { enabled: 'never', shmem: 'never', defrag: 'madvise' };
