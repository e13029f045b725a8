import type { FolioKind } from './folio-class.ts';
import type { Kernel } from './kernel.ts';
import type { OomControl } from './oom.ts';
import type { Process, Task } from './task.ts';
import { formatList } from '../units/nodelist.ts';
import { pagesToKb, PAGE_SIZE } from '../units/pages.ts';

/** What the allocator asked for, by use: from the buddy, and when a group is charged. */
const GFP: Readonly<Record<FolioKind, string>> = {
  anon: '0x140dca(GFP_HIGHUSER_MOVABLE|__GFP_COMP|__GFP_ZERO)',
  shmem: '0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP)',
  file: '0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP)',
  gmem: '0x140cc2(GFP_HIGHUSER|__GFP_COMP)',
  // The pool's requests give up instead of killing; here for completeness.
  hugetlb: '0x346cca(GFP_HIGHUSER_MOVABLE|__GFP_NOWARN|__GFP_RETRY_MAYFAIL|__GFP_COMP|__GFP_THISNODE)',
  kernel: '0x400dc0(GFP_KERNEL_ACCOUNT|__GFP_ZERO)',
};
/** Charging a gmem page goes on with the mask of its mapping. */
const CHARGE_GFP: Readonly<Partial<Record<FolioKind, string>>> = { gmem: '0x100cc2(GFP_HIGHUSER)' };
const GFP_KERNEL = '0xcc0(GFP_KERNEL)';

/** mm/oom_kill.c:dump_header: who asked, the group's usage, and all candidates. */
export function logInvocation(
  kernel: Kernel,
  task: Task,
  oom: OomControl,
  candidates: readonly Process[],
): void {
  const { comm, oomScoreAdj } = task.process;
  const gfp = oom.limit ? (CHARGE_GFP[oom.kind] ?? GFP_KERNEL) : GFP[oom.kind];
  kernel.log.push(`${comm} invoked oom-killer: gfp_mask=${gfp}, order=0, oom_score_adj=${oomScoreAdj}`);
  if (oom.limit) {
    const { usage, max, swapUsage, path } = oom.limit;
    kernel.log.push(
      `memory: usage ${pagesToKb(usage)}kB, limit ${max === null ? 'max' : `${pagesToKb(max)}kB`}`,
      `swap: usage ${pagesToKb(swapUsage)}kB`,
      `Memory cgroup stats for ${path}:`,
    );
  }
  kernel.log.push(
    'Tasks state (memory values in pages):',
    '[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name',
  );
  for (const process of candidates) {
    const mm = process.mm!;
    const { anon, file, shmem, swap } = mm.rss;
    const words: [number, number][] = [
      [process.uid, 5],
      [process.pid, 5],
      [mm.totalVm, 8],
      [mm.rssPages, 8],
      [anon, 8],
      [file, 8],
      [shmem, 9],
      [mm.tablePages.count * PAGE_SIZE, 8],
      [swap, 8],
      [process.oomScoreAdj, 13],
    ];
    const columns = words.map(([value, width]) => String(value).padStart(width)).join(' ');
    kernel.log.push(`[${String(process.pid).padStart(7)}] ${columns} ${process.comm}`);
  }
}

/** mm/oom_kill.c:dump_oom_victim and __oom_kill_process; a process that goes with its group has the second line only. */
export function logKill(
  kernel: Kernel,
  task: Task,
  { limit, nodemask, constraint }: OomControl,
  victim: Process,
  isChosen: boolean = true,
): void {
  const mm = victim.mm!;
  const { comm, pid, uid, memcg } = victim;
  const allowed = task.process.memsAllowed?.nodes ?? kernel.nodes.map((node) => node.nid);
  if (isChosen) {
    kernel.log.push(
      `oom-kill:constraint=${constraint},nodemask=${nodemask ? formatList(nodemask) : '(null)'},cpuset=${cpusetName(task)},` +
        `mems_allowed=${formatList(allowed)},${limit ? `oom_memcg=${limit.path}` : 'global_oom'},task_memcg=${memcg.path},` +
        `task=${comm},pid=${pid},uid=${uid}`,
    );
  }
  const kb = (pages: number): string => `${pagesToKb(pages)}kB`;
  kernel.log.push(
    `${limit ? 'Memory cgroup out of memory' : 'Out of memory'}: Killed process ${pid} (${comm}) total-vm:${kb(mm.totalVm)}, ` +
      `anon-rss:${kb(mm.rss.anon)}, file-rss:${kb(mm.rss.file)}, shmem-rss:${kb(mm.rss.shmem)}, UID:${uid} ` +
      `pgtables:${kb(mm.tablePages.count)} oom_score_adj:${victim.oomScoreAdj}`,
  );
}

/**
 * Nothing can be killed. Linux stops here when it is the system that is short; the model goes on as long as there are reserves, with a call
 * that fails.
 */
export function logNothingToKill(kernel: Kernel): void {
  kernel.log.push('Out of memory and no killable processes...');
}

/** Name of the cpuset: groups have one at the first level, as the test machines enable the controller. */
const cpusetName = (task: Task): string => task.process.memcg.path.split('/')[1] || '/';
