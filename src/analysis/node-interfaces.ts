import type { NodeFacts } from '../procfs/facts.ts';
import { nodeMeminfoValues } from '../procfs/meminfo-values.ts';
import type { TruthFacts } from '../result/types.ts';
import { addNodes, nodeList } from './node-lists.ts';
import { kindPages } from './truth.ts';
import type { KernelInterface } from './types.ts';

/** `node2` to 2. */
const nidOf = (subject: string): number => Number(subject.slice('node'.length));

function ofNode(
  field: 'FilePages' | 'Unevictable' | 'MemUsed',
  truth: (truth: TruthFacts) => readonly number[],
): KernelInterface {
  const kbOf = (node: NodeFacts): number => nodeMeminfoValues(node)[field] ?? 0;
  return {
    id: `node-${field}`,
    title: `node ${field}`,
    scope: 'node',
    fieldClass: 'stat',
    perNode: true,
    sources: [`node meminfo/${field}`],
    countsMemory: true,
    report(facts, subject) {
      const node = facts.nodes.find(({ nid }) => nid === nidOf(subject));
      if (!node) return null;
      const kb = kbOf(node);
      return { totalKb: kb, nodesKb: nodeList([[node.nid, kb]]) };
    },
    truth: (facts, subject) => nodeList([[nidOf(subject), truth(facts)[nidOf(subject)] ?? 0]]),
  };
}

/**
 * What nodeN/meminfo says. FilePages ought to be the page cache on the node: guest_memfd, memfd, tmpfs and other files, the
 * machine's own background included (hugetlbfs pages are no FilePages in Linux). Unevictable ought to be what reclaim may
 * never take. MemUsed ought to be every page that is not free.
 */
export const NODE_INTERFACES: readonly KernelInterface[] = [
  ofNode('FilePages', (truth) => kindPages(truth, ['gmem', 'memfd', 'shmem', 'file'])),
  ofNode('Unevictable', (truth) =>
    addNodes(
      truth.holdings.map(
        ({ kind, nodePages, unevictableNodePages }) =>
          unevictableNodePages ?? (kind === 'gmem' ? nodePages : []),
      ),
    ),
  ),
  ofNode('MemUsed', (truth) => nodeList(truth.nodes.map(({ nid, usedPages }) => [nid, usedPages]))),
];
