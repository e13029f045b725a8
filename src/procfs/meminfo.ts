import type { NodeFacts, SnapshotFacts } from './facts.ts';
import { pick, type Counters } from './key-values.ts';
import type { KernelLayout } from './kernel-layout.ts';
import { meminfoValues, nodeMeminfoValues } from './meminfo-values.ts';
import { addOnce, badLine, matchLine, readNumber, splitLines } from './proc-text.ts';

/** The numbers of /proc/meminfo in the kernel's order: kB, and pages of the pool for HugePages_*. */
export function meminfoOf(facts: Pick<SnapshotFacts, 'system' | 'nodes'>, layout: KernelLayout): Counters {
  return pick(layout.meminfo, meminfoValues(facts.system, facts.nodes));
}

/** The numbers of nodeN/meminfo in the kernel's order: kB, and pages of the pool for HugePages_*. */
export function nodeMeminfoOf(node: NodeFacts, layout: KernelLayout): Counters {
  return pick(layout.nodeMeminfo, nodeMeminfoValues(node));
}

/** Whether a meminfo name counts pages of the huge page pool; such a line has no unit. */
export function countsHugePages(name: string): boolean {
  return name.startsWith('HugePages_');
}

/** Column at which the numbers of /proc/meminfo end, also after a label longer than others. */
const VALUE_END = 24;
/** Column at which the five places for a number of huge pages begin; longer ones go on to the right. */
const POOL_VALUE_START = 19;

/** Prints /proc/meminfo. */
export function renderMeminfo(values: ReadonlyMap<string, number>): string {
  let text = '';
  for (const [name, value] of values) {
    if (countsHugePages(name)) {
      text += `${`${name}:`.padEnd(POOL_VALUE_START)}${unsigned(value).padStart(5)}\n`;
      continue;
    }
    const head = `${name}: `.padEnd(16);
    text += `${head}${String(value).padStart(VALUE_END - head.length)} kB\n`;
  }
  return text;
}

/** A count as the kernel prints it: an unsigned long, which HugePages_Rsvd leaves below zero at times. */
const unsigned = (value: number): string =>
  value < 0 ? String(BigInt.asUintN(64, BigInt(value))) : String(value);

/** The digits of the number that an unsigned long stands for. */
const signed = (digits: string): string => String(BigInt.asIntN(64, BigInt(digits)));

/** Reads /proc/meminfo. */
export function parseMeminfo(text: string): Counters {
  const values: Counters = new Map();
  for (const line of splitLines('meminfo', text)) {
    const [, name, digits, unit] = matchLine(line, /^(\S+): +(\d+)( kB)?$/, '"Name: N kB"');
    if ((unit === '') !== countsHugePages(name!)) throw badLine(line, 'wrong unit');
    addOnce(values, line, name!, readNumber(line, signed(digits!)));
  }
  return values;
}

/** nodeN/meminfo: the node its lines name, and its numbers. */
export interface NodeMeminfo {
  nid: number;
  values: Counters;
}

/** Prints nodeN/meminfo. */
export function renderNodeMeminfo(meminfo: { nid: number; values: ReadonlyMap<string, number> }): string {
  let text = '';
  for (const [name, value] of meminfo.values) {
    const head = `Node ${meminfo.nid} ${`${name}:`.padEnd(16)}`;
    text += countsHugePages(name)
      ? `${head} ${String(value).padStart(5)}\n`
      : `${head}${String(value).padStart(8)} kB\n`;
  }
  return text;
}

/** Reads nodeN/meminfo; all lines have to be of one node. */
export function parseNodeMeminfo(text: string): NodeMeminfo {
  const values: Counters = new Map();
  let nid = 0;
  for (const line of splitLines('node meminfo', text)) {
    const [, node, name, digits, unit] = matchLine(
      line,
      /^Node (\d+) (\S+): +(\d+)( kB)?$/,
      '"Node n Name: N kB"',
    );
    const found = readNumber(line, node);
    if (values.size > 0 && found !== nid) throw badLine(line, `expected node ${nid}`);
    nid = found;
    if ((unit === '') !== countsHugePages(name!)) throw badLine(line, 'wrong unit');
    addOnce(values, line, name!, readNumber(line, digits));
  }
  return { nid, values };
}
