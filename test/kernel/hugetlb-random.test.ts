import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Kernel } from '../../src/kernel/kernel.ts';
import { parseScript } from '../../src/scenario/steps/parse-script.ts';
import { ScriptNames } from '../../src/scenario/steps/script-names.ts';
import { wholeFile } from '../../src/scenario/steps/script-text.ts';
import type { Step } from '../../src/scenario/types.ts';
import { checkLaws } from '../../src/simulation/laws.ts';
import { Lab } from '../simulation/lab.ts';

const HUGE = 512;
const POOL = '/proc/sys/vm/nr_hugepages';
const NODE_POOL = '/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages';
const OVERCOMMIT = '/proc/sys/vm/nr_overcommit_hugepages';

/** A line of a script; what it names may not exist, which is for the model to say. */
function parseStepText(text: string): Step {
  const [step] = parseScript(
    wholeFile(text),
    { machine: null, names: new ScriptNames(), seed: 1, mayFail: false },
    (_place, _reason, message) => {
      throw new Error(`${text}: ${message}`);
    },
  );
  return step!;
}

/** Promises as they follow from files and mappings alone, in huge pages. */
function promised(kernel: Kernel): number {
  let sum = 0;
  for (const inode of kernel.inodes)
    sum += inode.hugeRegions.size - (inode.kind === 'hugetlb' ? inode.cache.size / HUGE : 0);
  for (const { mm } of kernel.processes.values()) {
    for (const vma of mm?.vmas ?? []) {
      const consumed = vma.hugetlb?.consumed;
      const count = (vma.end - vma.start) / HUGE;
      if (consumed) sum += count - consumed.countIn(vma.pgoff / HUGE, count);
    }
  }
  return sum - kernel.hugetlb.restoring.size;
}

/** Checks every counter of huge pages against page tables and page caches. */
function checkBooks(kernel: Kernel): void {
  const maps = new Map<number, number>();
  for (const { mm, worker } of kernel.processes.values()) {
    if (!mm) continue;
    let blocks = 0;
    for (const vma of mm.vmas) {
      if (!vma.hugetlb) continue;
      for (let vpn = vma.start; vpn < vma.end; vpn += HUGE) {
        const pfn = mm.pt.get(vpn);
        expect([worker, mm.hugeBlocks.has(vpn / HUGE)]).toEqual([worker, pfn >= 0]);
        if (pfn < 0) continue;
        expect([pfn % HUGE, mm.pt.get(vpn + HUGE - 1)]).toEqual([0, pfn + HUGE - 1]);
        maps.set(pfn, (maps.get(pfn) ?? 0) + 1);
        blocks++;
      }
    }
    expect([worker, mm.hugetlbPages, mm.rssPages]).toEqual([worker, blocks, 0]);
  }
  for (const [pfn, count] of maps) expect([pfn, kernel.frames.mapCountOf(pfn)]).toEqual([pfn, count]);
  expect(kernel.hugetlb.reserved).toBe(promised(kernel));
}

const index = fc.integer({ min: 0, max: 9 });
const stepText: fc.Arbitrary<string> = fc
  .record({
    who: fc.constantFrom('w0', 'w1', 'w2'),
    object: fc.constantFrom('h0', 'h1', 'a0', 'a1'),
    from: index,
    count: fc.integer({ min: 1, max: 10 }),
    node: fc.nat(3),
    verb: fc.constantFrom(
      'map',
      'map',
      'private',
      'touch',
      'touch',
      'write',
      'write',
      'write',
      'unmap',
      'part',
      'punch',
      'truncate',
      'fallocate',
      'fork',
      'exit',
      'discard',
      'bind',
      'interleave',
      'move',
      'close',
      'pool',
      'pool',
      'node',
      'overcommit',
      'policy',
    ),
  })
  .map(({ who, object, from, count, node, verb }) => {
    const isFile = object.startsWith('h');
    const kind = isFile ? 'memfd' : 'anon';
    const range = `${from * 2}M ${count * 2}M`;
    switch (verb) {
      case 'map':
        if (isFile) return `${who}: memfd map ${object} shared`;
        return `${who}: anon map ${object} 20M hugetlb${node === 3 ? ' noreserve' : node === 2 ? ' shared' : ''}`;
      case 'private':
        return isFile ? `${who}: memfd map ${object} private` : `${who}: anon map ${object} 20M hugetlb`;
      case 'touch':
        return `${who}: touch ${object} ${range} read`;
      case 'write':
        return `${who}: touch ${object} ${range} write`;
      case 'unmap':
        return `${who}: ${kind} unmap ${object}`;
      case 'part':
        return `${who}: ${kind} unmap ${object} ${range}`;
      case 'punch':
        return `${who}: memfd punch h0 ${range}`;
      case 'truncate':
        return `${who}: memfd ftruncate h0 ${from * 2}M`;
      case 'fallocate':
        return `${who}: memfd fallocate h1 ${range}`;
      case 'fork':
        return who === 'w0' ? 'w0: fork w1' : 'w1: fork w2';
      case 'exit':
        return who === 'w0' ? 'w1: exit' : `${who}: exit`;
      case 'discard':
        return `${who}: madvise ${object} ${range} ${node === 0 && isFile ? 'remove' : 'dontneed'}`;
      case 'bind':
        return `${who}: mbind ${object} ${range} bind ${node}${count > 5 ? ' move' : ''}`;
      case 'interleave':
        return `${who}: mbind ${object} ${range} interleave 0-3`;
      case 'move':
        return `${who}: move_pages ${object} ${range} ${node}`;
      case 'close':
        return `${who}: memfd close ${object}`;
      case 'pool':
        return `write ${POOL} ${count * 4}`;
      case 'node':
        return `write ${NODE_POOL} ${count}`;
      case 'overcommit':
        return `write ${OVERCOMMIT} ${count}`;
      default:
        return `${who}: mempolicy ${node === 0 ? 'default' : `bind ${node}`}`;
    }
  });

describe('random work on huge pages', () => {
  it.each(['6.12', '7.3'] as const)('keeps all books on %s', (kernel) => {
    fc.assert(
      fc.property(fc.array(stepText, { minLength: 30, maxLength: 30 }), (texts) => {
        const lab = new Lab({ kernel });
        const { world } = lab;
        const opening = [
          `write ${POOL} 24`,
          'memfd create h0 20M hugetlb',
          'memfd create h1 20M hugetlb',
          'fork w1',
          'fork w2',
        ];
        const laws = (): string[] =>
          world.findings.filter(({ kind }) => kind === 'law').map(({ message }) => message);
        for (const text of [...opening, ...texts]) {
          const child = /fork (\w+)$/.exec(text)?.[1];
          if (child !== undefined && world.workers.get(child)?.process.isAlive) continue;
          lab.run(parseStepText(text));
          checkLaws(world);
          expect([text, laws()]).toEqual([text, []]);
          checkBooks(world.kernel);
        }
        for (const text of ['w0: exit', 'w1: exit', 'w2: exit']) lab.run(parseStepText(text));
        const pool = world.kernel.hugetlb;
        expect([pool.reserved, pool.free, pool.restoring.size]).toEqual([0, pool.total, 0]);
      }),
      { numRuns: 60 },
    );
  });
});
