/** A public discussion that a requirement comes from. */
export interface Thread {
  title: string;
  /** When. */
  date: string;
  /** Message-id, address or number under which it can be found. */
  where: string;
}

export type ThreadId =
  | 'rfc-v11-report'
  | 'rfc-v11-accounting'
  | 'rfc-v11-usage'
  | 'snp-confusion'
  | 'memlock'
  | 'fbind'
  | 'numa-policy'
  | 'not-for'
  | 'migration'
  | 'in-place'
  | 'rss-cost';

/** The discussions, by the names that requirements use. */
export const THREADS: Readonly<Record<ThreadId, Thread>> = {
  'rfc-v11-report': {
    title: 'Replies to KVM guest_memfd RFC v11: memory of SNP guests is attributed to no process',
    date: '24 July 2023',
    where: 'lore.kernel.org/r/110f1aa0-7fcd-1287-701a-89c2203f0ac2@amd.com',
  },
  'rfc-v11-accounting': {
    title: 'Replies to KVM guest_memfd RFC v11: statistics have room, accounting must be right',
    date: '24 July 2023',
    where: 'lore.kernel.org/r/ZL6uMk/8UeuGj8CP@google.com',
  },
  'rfc-v11-usage': {
    title: 'Replies to KVM guest_memfd RFC v11: who uses it, and what counting in RSS breaks',
    date: '26 July to 3 August 2023',
    where: 'lore.kernel.org/r/2f98a32c-bd3d-4890-b757-4d2f67a3b1a7@amd.com',
  },
  'snp-confusion': {
    title: 'AMDSEV: a 4 GB SNP guest appears to use 7 GB, most of it as buffers and cache',
    date: 'December 2024',
    where: 'github.com/AMDESE/AMDSEV issue 250',
  },
  memlock: {
    title: 'Charging inaccessible memory to RLIMIT_MEMLOCK, v5',
    date: 'March and April 2022',
    where: 'lore.kernel.org/r/20220310140911.50924-5-chao.p.peng@linux.intel.com',
  },
  fbind: {
    title: 'fbind() and NUMA policy for guest_memfd, RFC v3',
    date: 'November 2024',
    where: 'lore.kernel.org/r/20241105164549.154700-1-shivankg@amd.com',
  },
  'numa-policy': {
    title: 'NUMA policy for guest_memfd, v7',
    date: 'April 2025',
    where: 'lore.kernel.org/r/20250408112402.181574-1-shivankg@amd.com',
  },
  'not-for': {
    title: 'What guest_memfd is for, and what not',
    date: 'June 2024',
    where: 'lkml.iu.edu/hypermail/linux/kernel/2406.2/08103.html',
  },
  migration: {
    title: 'Migration of guest_memfd folios, RFC',
    date: 'June 2026',
    where: 'lore.kernel.org/r/20260611-shivank-gmem-migrate-v1-0-2d266bfc6f95@amd.com',
  },
  'in-place': {
    title: 'In-place conversion of guest_memfd, v8',
    date: 'June 2026',
    where: 'lore.kernel.org/r/20260618-gmem-inplace-conversion-v8-0-9d2959357853@google.com',
  },
  'rss-cost': {
    title: 'Kernel test robot: fewer process starts per second with RSS in per-CPU counters',
    date: 'commit f1a7941243c1',
    where: 'lore.kernel.org, report on f1a7941243c1',
  },
};
