import type { VmaFacts } from './facts.ts';
import { badLine, matchLine, readHex, readNumber, splitLines, type ProcLine } from './proc-text.ts';

/** What a line of numa_maps says of a VMA. */
export type NumaMapsVma = Pick<
  VmaFacts,
  'start' | 'policy' | 'name' | 'hasFile' | 'hugetlb' | 'kernelPageKb' | 'numa'
>;

const ESCAPES: Readonly<Record<string, string>> = {
  ' ': '\\040',
  '\t': '\\011',
  '\n': '\\012',
  '=': '\\075',
};
const UNESCAPES: Readonly<Record<string, string>> = {
  '\\040': ' ',
  '\\011': '\t',
  '\\012': '\n',
  '\\075': '=',
};

/** Prints a path as numa_maps does. The backslash itself is not escaped: that is the kernel's form, and it is ambiguous. */
export function escapePath(path: string): string {
  return path.replaceAll(/[ \t\n=]/g, (char) => ESCAPES[char]!);
}

/** Reads a path of numa_maps. */
export function unescapePath(path: string): string {
  return path.replaceAll(/\\(?:040|011|012|075)/g, (code) => UNESCAPES[code]!);
}

function renderStats(vma: NumaMapsVma): string {
  const { numa } = vma;
  if (numa.pages === 0) return '';
  let text = '';
  if (numa.anon > 0) text += ` anon=${numa.anon}`;
  if (numa.dirty > 0) text += ` dirty=${numa.dirty}`;
  if (numa.pages !== numa.anon && numa.pages !== numa.dirty) text += ` mapped=${numa.pages}`;
  if (numa.mapMax > 1) text += ` mapmax=${numa.mapMax}`;
  if (numa.swapcache > 0) text += ` swapcache=${numa.swapcache}`;
  if (numa.active < numa.pages && !vma.hugetlb) text += ` active=${numa.active}`;
  if (numa.writeback > 0) text += ` writeback=${numa.writeback}`;
  numa.nodes.forEach((pages, nid) => {
    if (pages > 0) text += ` N${nid}=${pages}`;
  });
  return `${text} kernelpagesize_kB=${vma.kernelPageKb}`;
}

/** Prints the line of one VMA, without newline. */
export function renderNumaMapsLine(vma: NumaMapsVma): string {
  let text = `${vma.start.toString(16).padStart(8, '0')} ${vma.policy}`;
  if (vma.hasFile) text += ` file=${escapePath(vma.name)}`;
  else if (vma.name === '[heap]') text += ' heap';
  else if (vma.name === '[stack]') text += ' stack';
  if (vma.hugetlb) text += ' huge';
  return text + renderStats(vma);
}

/** Prints /proc/PID/numa_maps. [vsyscall] is no VMA of the process and has no line. */
export function renderNumaMaps(vmas: readonly NumaMapsVma[]): string {
  return vmas
    .filter((vma) => vma.name !== '[vsyscall]')
    .map((vma) => `${renderNumaMapsLine(vma)}\n`)
    .join('');
}

function parseLine(line: ProcLine): NumaMapsVma {
  const [, start, policy, rest] = matchLine(
    line,
    /^([0-9a-f]{8,}) ((?:prefer \(many\)|weighted interleave|[^ ])[^ ]*)((?: [^ ]+)*)$/,
    '"address policy" and fields',
  );
  let name = '';
  let hasFile = false;
  let hugetlb = false;
  const stats = new Map<string, number>();
  const nodes: number[] = [];
  for (const token of rest!.split(' ').slice(1)) {
    if (token.startsWith('file=')) {
      hasFile = true;
      name = unescapePath(token.slice('file='.length));
    } else if (token === 'heap' || token === 'stack') name = `[${token}]`;
    else if (token === 'huge') hugetlb = true;
    else {
      const match =
        /^(anon|dirty|mapped|mapmax|swapcache|active|writeback|kernelpagesize_kB|N(\d+))=(\d+)$/.exec(token);
      if (!match) throw badLine(line, `unknown field "${token}"`);
      const value = readNumber(line, match[3]);
      if (match[2] === undefined) stats.set(match[1]!, value);
      else {
        const nid = readNumber(line, match[2]);
        if (nid >= 1024) throw badLine(line, `no node ${nid}`);
        while (nodes.length <= nid) nodes.push(0);
        nodes[nid] = value;
      }
    }
  }
  const pages = nodes.reduce((sum, count) => sum + count, 0);
  if (pages !== (stats.get('mapped') ?? pages)) throw badLine(line, `nodes sum to ${pages} pages`);
  if (pages > 0 && !stats.has('kernelpagesize_kB')) throw badLine(line, 'no kernelpagesize_kB');
  if (pages === 0 && stats.size > 0) throw badLine(line, 'page counts without a node');
  return {
    start: readHex(line, start),
    policy: policy!,
    name,
    hasFile,
    hugetlb,
    kernelPageKb: stats.get('kernelpagesize_kB') ?? 4,
    numa: {
      pages,
      anon: stats.get('anon') ?? 0,
      dirty: stats.get('dirty') ?? 0,
      mapMax: stats.get('mapmax') ?? (pages > 0 ? 1 : 0),
      swapcache: stats.get('swapcache') ?? 0,
      active: stats.get('active') ?? pages,
      writeback: stats.get('writeback') ?? 0,
      nodes,
    },
  };
}

/**
 * Reads /proc/PID/numa_maps. What a line leaves out becomes the value for which it is left out: active is then all pages,
 * mapMax 1, and the page size of an empty VMA 4 kB.
 */
export function parseNumaMaps(text: string): NumaMapsVma[] {
  return splitLines('numa_maps', text).map(parseLine);
}
