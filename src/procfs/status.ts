import { renderMask } from './bit-mask.ts';
import type { NodeFacts, ProcessFacts } from './facts.ts';
import type { KernelLayout } from './kernel-layout.ts';
import { cpuCount } from './node-sums.ts';
import { addOnce, matchLine, splitLines } from './proc-text.ts';
import { parseList } from '../units/nodelist.ts';
import { rssPages } from './statm.ts';
import { pagesToKb } from '../units/pages.ts';

/** What the machine adds to a process's status. */
export interface StatusContext {
  layout: KernelLayout;
  nodes: readonly NodeFacts[];
}

type Entry = [string, string];

const ALL_CAPS = '000001ffffffffff';
const NO_CAPS = '0000000000000000';
/** Default RLIMIT_SIGPENDING: half of the threads whose stacks (16 KiB) would fill an eighth of memory. */
const PAGES_PER_SIGNAL = 64;

const kb = (name: string, value: number): Entry => [name, `${String(value).padStart(8)} kB`];
const same = (count: number, value: number): string => Array.from({ length: count }, () => value).join('\t');

function identity(process: ProcessFacts): Entry[] {
  let fdSize = 64;
  for (const { fd } of process.fds) while (fd >= fdSize) fdSize *= 2;
  return [
    ['Name', process.comm.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')],
    ['Umask', '0022'],
    ['State', 'S (sleeping)'],
    ['Tgid', `${process.pid}`],
    ['Ngid', '0'],
    ['Pid', `${process.pid}`],
    ['PPid', `${process.ppid}`],
    ['TracerPid', '0'],
    ['Uid', same(4, process.uid)],
    ['Gid', same(4, process.uid)],
    ['FDSize', `${fdSize}`],
    ['Groups', ' '],
    ['NStgid', `${process.pid}`],
    ['NSpid', `${process.pid}`],
    ['NSpgid', '0'],
    ['NSsid', '0'],
    ['Kthread', '0'],
  ];
}

/** The memory lines: the kernel's, and after them those that an accounting design adds. */
function memory(process: ProcessFacts): Entry[] {
  const pages = (name: string, count: number): Entry => kb(name, pagesToKb(count));
  return [
    pages('VmPeak', process.vmPeakPages),
    pages('VmSize', process.vmSizePages),
    pages('VmLck', process.vmLckPages),
    pages('VmPin', process.vmPinPages),
    pages('VmHWM', process.vmHwmPages),
    pages('VmRSS', rssPages(process)),
    pages('RssAnon', process.rssAnonPages),
    pages('RssFile', process.rssFilePages),
    pages('RssShmem', process.rssShmemPages),
    pages('VmData', process.vmDataPages),
    pages('VmStk', process.vmStkPages),
    pages('VmExe', process.vmExePages),
    pages('VmLib', process.vmLibPages),
    kb('VmPTE', Math.floor(process.vmPteBytes / 1024)),
    pages('VmSwap', process.vmSwapPages),
    kb('HugetlbPages', process.hugetlbKb),
    ...process.extraStatus.map((line) => kb(line.name, line.kb)),
    ['CoreDumping', '0'],
    ['THP_enabled', '1'],
    ['untag_mask', '0xffffffffffffffff'],
  ];
}

function task(process: ProcessFacts, { layout, nodes }: StatusContext): Entry[] {
  const totalPages = nodes.reduce((sum, node) => sum + node.totalPages, 0);
  const caps = process.uid === 0 ? ALL_CAPS : NO_CAPS;
  const nodeBits = layout.nodemaskBits ?? nodes.reduce((bits, node) => Math.max(bits, node.nid + 1), 0);
  return [
    ['Threads', `${process.threads}`],
    ['SigQ', `0/${Math.floor(totalPages / PAGES_PER_SIGNAL)}`],
    ...['SigPnd', 'ShdPnd', 'SigBlk', 'SigIgn', 'SigCgt', 'CapInh'].map((name): Entry => [name, NO_CAPS]),
    ['CapPrm', caps],
    ['CapEff', caps],
    ['CapBnd', ALL_CAPS],
    ['CapAmb', NO_CAPS],
    ['NoNewPrivs', '0'],
    ['Seccomp', '0'],
    ['Seccomp_filters', '0'],
    ['Speculation_Store_Bypass', 'vulnerable'],
    ['SpeculationIndirectBranch', 'always enabled'],
    ['Cpus_allowed', renderMask(parseList(process.cpusAllowed) ?? [], cpuCount(nodes))],
    ['Cpus_allowed_list', process.cpusAllowed],
    ['Mems_allowed', renderMask(parseList(process.memsAllowed) ?? [], nodeBits)],
    ['Mems_allowed_list', process.memsAllowed],
    ['voluntary_ctxt_switches', '0'],
    ['nonvoluntary_ctxt_switches', '0'],
    ['x86_Thread_features', ''],
    ['x86_Thread_features_locked', ''],
  ];
}

/** The lines of /proc/PID/status in the kernel's order. What the facts do not say is what a plain sleeping process shows. */
export function statusOf(process: ProcessFacts, context: StatusContext): Map<string, string> {
  return new Map([...identity(process), ...memory(process), ...task(process, context)]);
}

/** Prints /proc/PID/status. */
export function renderStatus(status: ReadonlyMap<string, string>): string {
  let text = '';
  for (const [name, value] of status) text += `${name}:\t${value}\n`;
  return text;
}

/** Reads /proc/PID/status into the texts by name. */
export function parseStatus(text: string): Map<string, string> {
  const status = new Map<string, string>();
  for (const line of splitLines('status', text)) {
    const [, name, value] = matchLine(line, /^([^:\t]+):\t(.*)$/, '"Name:<tab>value"');
    addOnce(status, line, name!, value!);
  }
  return status;
}

/** The kB of a status line such as VmRSS; undefined when the line is missing or has no kB. */
export function statusKb(status: ReadonlyMap<string, string>, name: string): number | undefined {
  const match = /^ *(\d+) kB$/.exec(status.get(name) ?? '');
  return match ? Number(match[1]) : undefined;
}
