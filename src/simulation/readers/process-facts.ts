import { badnessPages, oomScore, pageTablePages } from '../../kernel/oom.ts';
import type { Process } from '../../kernel/task.ts';
import type { Vma } from '../../kernel/vma.ts';
import type { FdFacts, ProcessFacts } from '../../procfs/facts.ts';
import { formatList } from '../../units/nodelist.ts';
import { PAGE_SIZE } from '../../units/pages.ts';
import type { World } from '../world.ts';
import { HUGE_PAGE_KB } from './hugetlb-facts.ts';
import { vmaFacts } from './vma-facts.ts';

/** O_RDWR | O_LARGEFILE, and with O_CLOEXEC, as fdinfo prints them. */
const FLAGS = { plain: '0100002', cloexec: '02100002' } as const;

/** What /proc/PID says of a living process. */
export function processFacts(world: World, process: Process): ProcessFacts {
  const { kernel, readers } = world;
  const mm = process.mm!;
  const vm = (pick: (vma: Vma) => boolean): number =>
    mm.vmas.reduce((sum, vma) => (pick(vma) && !vma.isUncounted ? sum + vma.end - vma.start : sum), 0);
  // exec_vm: executable, not writable; the program's own text is what lies in the first file that is mapped so.
  const isCode = (vma: Vma): boolean => vma.prot[2] === 'x' && vma.prot[1] !== 'w';
  const exe = mm.vmas.find((vma) => isCode(vma) && vma.file)?.file;
  return {
    worker: process.worker,
    pid: process.pid,
    ppid: process.ppid,
    uid: process.uid,
    comm: process.comm,
    cmdline: [...process.cmdline],
    cgroup: process.cgroup.path,
    threads: 1 + process.threads.size,
    cpusAllowed: String(process.main.cpu),
    memsAllowed: formatList(kernel.nodes.filter((node) => node.pages > 0).map((node) => node.nid)),
    oomScoreAdj: process.oomScoreAdj,
    oomScore: oomScore(kernel, process),
    oomBadnessPages: badnessPages(kernel, process),
    vmPeakPages: Math.max(mm.hiwaterVm, mm.totalVm),
    vmSizePages: mm.totalVm,
    vmLckPages: mm.lockedPages,
    vmPinPages: 0,
    vmHwmPages: Math.max(mm.hiwaterRss, mm.rssPages),
    rssAnonPages: mm.rss.anon,
    rssFilePages: mm.rss.file,
    rssShmemPages: mm.rss.shmem,
    ...(mm.rss.gmem === 0 ? {} : { rssGmemPages: mm.rss.gmem }),
    vmDataPages: vm((vma) => vma.prot[1] === 'w' && !vma.shared && vma.name !== '[stack]'),
    vmStkPages: vm((vma) => vma.name === '[stack]'),
    vmExePages: vm((vma) => isCode(vma) && vma.file !== null && vma.file === exe),
    vmLibPages: vm((vma) => isCode(vma) && (vma.file === null || vma.file !== exe)),
    vmPteBytes: pageTablePages(process) * PAGE_SIZE,
    vmSwapPages: mm.rss.swap,
    hugetlbKb: mm.hugetlbPages * HUGE_PAGE_KB,
    extraStatus: [...readers.statusLines(process)],
    vmas: vmaFacts(world, process),
    fds: fdFacts(world, process),
    extraFiles: { ...readers.procFiles(process) },
  };
}

function fdFacts(world: World, process: Process): FdFacts[] {
  return [...process.fds]
    .sort(([a], [b]) => a - b)
    .map(([fd, file]) => ({
      fd,
      link: file.link,
      flagsOctal: file.kind === 'kvm' ? FLAGS.cloexec : FLAGS.plain,
      mntId: 1,
      inode: file.inode?.ino ?? 0,
      extra: file.inode?.kind === 'gmem' ? [...world.readers.fdinfoLines(process, file.inode)] : [],
    }));
}
