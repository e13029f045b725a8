import type { AttributionRow } from '../../src/analysis/types.ts';
import type { FieldClass, Holding, RunResult, Snapshot, StrategyRun } from '../../src/result/types.ts';

export interface FixtureOptions {
  strategies?: readonly string[];
  nodes?: number;
  snapshots?: number;
}

export const EIGHT: readonly string[] = [
  'page-cache',
  'shadow-vma',
  'tdp-fault',
  'alloc-charge',
  'tracker',
  'fbind',
  'mempolicy-dup',
  'upstream',
];
const SEES_RSS = new Set(['shadow-vma', 'tdp-fault', 'alloc-charge', 'upstream']);
const SEES_NUMA = new Set(['shadow-vma', 'upstream']);
const OWN_KB = 85_332;
const PRIVATE_KB = 41_943_040;
const CGROUP = '/machine.slice/vmm-1';

const INTERFACES: readonly [string, 'process' | 'cgroup' | 'node', FieldClass, boolean][] = [
  ['rss', 'process', 'stat', false],
  ['smaps-rss', 'process', 'stat', false],
  ['pss', 'process', 'stat', false],
  ['numa_maps', 'process', 'stat', true],
  ['numastat-p', 'process', 'stat', true],
  ['oom-badness', 'process', 'accounting', false],
  ['memory.current', 'cgroup', 'accounting', false],
  ['memory.stat-total', 'cgroup', 'stat', false],
  ['memory.numa_stat', 'cgroup', 'stat', true],
  ['node-FilePages', 'node', 'stat', true],
  ['node-MemUsed', 'node', 'stat', true],
  ['tracker', 'process', 'stat', false],
];

function holding(kind: Holding['kind'], object: string, nodesKb: readonly number[]): Holding {
  const nodePages = nodesKb.map((kb) => kb / 4);
  const pages = nodePages.reduce((sum, count) => sum + count, 0);
  return {
    object,
    kind,
    user: 'vmm',
    vm: kind === 'gmem' ? 'snp' : null,
    nodePages,
    guestMappedPages: kind === 'gmem' ? pages : 0,
    chargedPages: { [CGROUP]: pages },
    allocatedPages: { vmm: pages },
    offPolicyPages: null,
  };
}

/** A 40 GiB confidential guest on the last two nodes, filled over the snapshots, as eight designs show it. */
export function fixture(options: FixtureOptions = {}): { result: RunResult; rows: AttributionRow[] } {
  const names = options.strategies ?? EIGHT;
  const nodeCount = options.nodes ?? 4;
  const count = options.snapshots ?? 3;
  const labels = Array.from({ length: count }, (_, at) =>
    count === 3 ? ['booted', 'half-faulted', 'faulted'][at]! : `after-touch-${at + 1}`,
  );
  const homes = nodeCount === 1 ? [0] : [nodeCount - 2, nodeCount - 1];
  const rows: AttributionRow[] = [];
  const strategies = names.map((name): StrategyRun => {
    const base = name.split('+')[0]!.split('{')[0]!;
    const label = base === 'page-cache' || base === 'upstream' ? 'verified' : 'hypothetical';
    const snapshots = labels.map((snapshot, at): Snapshot => {
      const step = 4 + at * 2;
      const privateKb = count === 1 ? PRIVATE_KB : (PRIVATE_KB * at) / (count - 1);
      const ownNodes = Array.from({ length: nodeCount }, (_, nid) => (nid === 0 ? OWN_KB : 0));
      const privateNodes = ownNodes.map((_, nid) =>
        homes.includes(nid) ? Math.round(privateKb / homes.length / 4) * 4 : 0,
      );
      const truthNodes = ownNodes.map((own, nid) => own + privateNodes[nid]!);
      const totalKb = truthNodes.reduce((sum, kb) => sum + kb, 0);
      for (const [id, scope, fieldClass, perNode] of INTERFACES) {
        const sees =
          scope === 'node' ||
          (scope === 'cgroup' && base !== 'fbind') ||
          (id === 'numa_maps' || id === 'numastat-p' ? SEES_NUMA : SEES_RSS).has(base) ||
          id === 'tracker';
        const silent = id === 'tracker' && base !== 'tracker';
        const push = (subject: string, node: number | null, truthKb: number, seenKb: number): void => {
          const reportedKb = silent ? null : seenKb;
          const errorKb = reportedKb === null ? null : reportedKb - truthKb;
          const head = { strategy: name, snapshot, step, interface: id, subject, node };
          rows.push({ ...head, truthKb, reportedKb, errorKb, fieldClass, label });
        };
        const double = base === 'mempolicy-dup' && id === 'memory.current' ? 1.5 : 1;
        if (scope === 'node') {
          truthNodes.forEach((kb, nid) => push(`node${nid}`, nid, kb, kb));
          continue;
        }
        const subject = scope === 'process' ? 'vmm' : CGROUP;
        push(subject, null, totalKb, (sees ? totalKb : OWN_KB) * double);
        if (perNode) truthNodes.forEach((kb, nid) => push(subject, nid, kb, sees ? kb : ownNodes[nid]!));
      }
      return {
        label: snapshot,
        step,
        facts: {
          kernel: '7.3',
          system: {
            meminfoPages: {},
            hugepages: { total: 0, free: 0, reserved: 0, surplus: 0, hugepageKb: 2048 },
            vmEvents: {},
          },
          nodes: [],
          cgroups: [],
          processes: [],
        },
        truth: {
          holdings: [
            holding('anon', 'anonymous memory of vmm', ownNodes),
            holding('gmem', 'private', privateNodes),
          ],
          processes: [
            {
              worker: 'ctl',
              pid: 1,
              cgroup: '/',
              privateNodePages: ownNodes.map(() => 0),
              nodePages: ownNodes.map(() => 0),
            },
            {
              worker: 'vmm',
              pid: 1201,
              cgroup: CGROUP,
              privateNodePages: privateNodes.map((kb) => kb / 4),
              nodePages: truthNodes.map((kb) => kb / 4),
            },
          ],
          nodes: truthNodes.map((kb, nid) => ({ nid, freePages: 16_777_216 - kb / 4, usedPages: kb / 4 })),
        },
      };
    });
    return {
      name,
      title: `Accounting by ${base}`,
      parts: [
        {
          axis: 'accounting',
          id: base,
          title: `Accounting by ${base}`,
          summary: `Private memory is accounted the way ${base} does it.`,
          origin: label === 'verified' ? 'mainline' : 'proposed',
          source: 'mm/filemap.c:__filemap_add_folio, 6.12',
          options: base === 'tracker' ? { oom: true, file: 'gmem_stat' } : {},
        },
      ],
      label,
      error: null,
      expectations: [],
      steps: [
        {
          n: 1,
          line: 12,
          who: 'ctl',
          text: 'spawn vmm',
          ret: 0,
          errno: '',
          message: '',
          expected: true,
        },
        {
          n: 7,
          line: 20,
          who: 'vmm',
          text: 'mbind private 0 40G bind:2-3',
          ret: base === 'upstream' ? 0 : -1,
          errno: base === 'upstream' ? '' : 'EFAULT',
          message: base === 'upstream' ? '' : 'no mapping covers <private>',
          expected: base === 'upstream',
        },
      ],
      snapshots,
      findings:
        base === 'tdp-fault'
          ? [
              {
                kind: 'law',
                id: 'rss-balanced-at-exit',
                message: 'vmm leaves with 40 GiB on its RSS counter & no page <to> match',
                step: 9,
                line: 24,
              },
            ]
          : [],
      counts: { mmap_lock_write: 12, page_lock: 10_485_760 },
      ledger: [],
    };
  });
  return {
    result: {
      $schema: 'result.schema.json',
      format: 1,
      tool: { name: 'gmemlab', version: '0.1.0' },
      scenario: {
        id: 'blind-spot',
        title: 'A 40 GiB guest that top does not see',
        description: 'One VMM fills a confidential guest <and> reads its own counters.',
        kernel: '7.3',
        seed: 1,
        steps: 'ctl spawn vmm\nvmm touch private 0 40G',
        sources: ['Documentation/virt/kvm/api.rst, KVM_CREATE_GUEST_MEMFD'],
      },
      machine: {
        title: 'Two sockets with two memory-only nodes',
        nodes: Array.from({ length: nodeCount }, (_, nid) => ({
          nid,
          cpulist: nid < 2 ? `${nid * 8}-${nid * 8 + 7}` : '',
          memoryBytes: 64 * 1024 ** 3,
          distances: Array.from({ length: nodeCount }, (_, to) => (to === nid ? 10 : 20)),
        })),
      },
      strategies,
    },
    rows,
  };
}
