import { parseNodeMeminfo } from '../procfs/meminfo.ts';
import { parseBuddyinfo } from '../procfs/buddyinfo.ts';
import { parseZoneinfo } from '../procfs/zoneinfo.ts';
import type { Machine, MachineNode, MachineZone } from '../scenario/types.ts';
import { PAGE_SIZE, parseSize } from '../units/pages.ts';
import { chosen } from './capture-meta.ts';
import { CaptureError, nodesIn, type Capture } from './capture.ts';

const HARDWARE = 'numactl-hardware.txt';
const MIB = 1024 * 1024;
/** Steps that may make shmem pages. */
const SHMEM_STEP = /^(?:\w+: )?(?:memfd|file|mount|exec)\b|\bshared\b/;

/**
 * The machine that a capture was made on, as input of the model: nodes, CPUs and distances from `numactl --hardware`, memory
 * from the nodes' meminfo. What was in use before the first step is entered as slab, which nothing reclaims; what is
 * known to be files of the booted tmpfs, as such.
 */
export function captureMachine(capture: Capture): Machine {
  const files = capture.snapshots[0]?.files;
  if (!files) throw new CaptureError('steps.jsonl', '', 'the capture holds no snapshot');
  const nids = nodesIn(files);
  // Steps that fill a tmpfs hide how much booting had put there.
  const hasShmemSteps = capture.steps.some(
    ({ n, step }) => n < capture.snapshots[0]!.step && SHMEM_STEP.test(step),
  );
  const nodes = nids.map((nid): MachineNode => {
    const text = files.get(`node${nid}/meminfo`) ?? '';
    const { values } = parseNodeMeminfo(text);
    const totalKb = values.get('MemTotal');
    if (totalKb === undefined) throw new CaptureError(`node${nid}/meminfo`, '', 'has no MemTotal');
    const memoryBytes = totalKb * 1024;
    const shmem = hasShmemSteps ? 0 : (values.get('Shmem') ?? 0) * 1024;
    const usedBytes = memoryBytes - numberOf(capture.hardware, `node ${nid} free`) * MIB;
    return {
      cpus: listOf(capture.hardware, `node ${nid} cpus`),
      memoryBytes,
      movableBytes: 0,
      zones: zonesOf(files, nid),
      background: {
        pageCache: 0,
        anon: 0,
        slab: Math.max(0, Math.floor((usedBytes - shmem) / PAGE_SIZE) * PAGE_SIZE),
        shmem,
      },
    };
  });
  return {
    title: capture.meta.get('topology') ?? capture.release,
    nodes,
    distances: nids.map((nid) => listOf(capture.hardware, ` {0,2}${nid}`)),
    sysctl: sysctlOf(capture),
    thp: {
      enabled: choice(capture, 'thp_enabled', ['always', 'madvise', 'never'], 'never'),
      shmem: choice(
        capture,
        'thp_shmem_enabled',
        ['always', 'within_size', 'advise', 'never', 'deny', 'force'],
        'never',
      ),
      defrag: choice(
        capture,
        'thp_defrag',
        ['always', 'defer', 'defer+madvise', 'madvise', 'never'],
        'madvise',
      ),
    },
    belowFourGib: belowFourGib(files.get('sys/zoneinfo')),
    swap: swapDevice(capture.script),
  };
}

const ZONE_NAMES: readonly string[] = ['DMA', 'DMA32', 'Normal', 'Movable'] satisfies MachineZone['name'][];

/** A node's populated zones; undefined where the capture has no zoneinfo. */
function zonesOf(files: ReadonlyMap<string, string>, nid: number): MachineZone[] | undefined {
  const zoneinfo = files.get('sys/zoneinfo');
  if (zoneinfo === undefined) return undefined;
  const blocks = parseBuddyinfo(files.get('sys/buddyinfo') ?? '');
  return parseZoneinfo(zoneinfo).flatMap(({ nid: node, name, limits, populated }) => {
    if (node !== nid || populated === null || !ZONE_NAMES.includes(name)) return [];
    return [
      {
        name: name as MachineZone['name'],
        startPfn: populated.tail.get('start_pfn') ?? 0,
        spannedPages: limits.get('spanned') ?? 0,
        presentPages: limits.get('present') ?? 0,
        pages: limits.get('managed') ?? 0,
        freeByOrder: blocks.find((line) => line.nid === nid && line.zone === name)?.freeByOrder ?? [],
      },
    ];
  });
}

/** The swap device that the script's header asks for; a step of the script activates it. */
function swapDevice(script: string): Machine['swap'] {
  const size = /^#swap:\s*(\S+)/m.exec(script)?.[1];
  if (size === undefined) return undefined;
  const bytes = parseSize(size);
  if (bytes === undefined) throw new CaptureError('script.steps', '#swap', `"${size}" is no size`);
  return { bytes, isOn: false };
}

/** Managed bytes of the zones DMA and DMA32; undefined where the capture has no zoneinfo. */
function belowFourGib(zoneinfo: string | undefined): number | undefined {
  if (zoneinfo === undefined) return undefined;
  let pages = 0;
  for (const { name, limits } of parseZoneinfo(zoneinfo)) {
    if (name.startsWith('DMA')) pages += limits.get('managed') ?? 0;
  }
  return pages * PAGE_SIZE;
}

/** Settings that meta.txt states and the model has. */
function sysctlOf({ meta }: Capture): Record<string, number> {
  const names: Readonly<Record<string, string>> = {
    numa_balancing: 'kernel.numa_balancing',
    zone_reclaim_mode: 'vm.zone_reclaim_mode',
    overcommit_memory: 'vm.overcommit_memory',
    compact_unevictable_allowed: 'vm.compact_unevictable_allowed',
  };
  return Object.fromEntries(
    Object.entries(names).flatMap(([key, name]) => {
      const value = meta.get(key);
      return value === undefined || value === '' ? [] : [[name, Number(value)]];
    }),
  );
}

/** A setting with its choice in brackets; a kernel built without it does not print it. */
function choice<T extends string>({ meta }: Capture, key: string, valid: readonly T[], absent: T): T {
  const text = meta.get(key);
  if (text === undefined || text === '') return absent;
  const found = valid.find((one) => one === chosen(text));
  if (found === undefined) {
    throw new CaptureError('meta.txt', key, `expected one of ${valid.join(', ')} in brackets, not "${text}"`);
  }
  return found;
}

/** The numbers behind `NAME:` in the text of numactl. */
function listOf(hardware: string, name: string): number[] {
  const match = new RegExp(`^${name}:(.*)$`, 'm').exec(hardware);
  if (!match) throw new CaptureError(HARDWARE, '', `has no line "${name.replace(' {0,2}', '')}:"`);
  return match[1]!
    .trim()
    .split(/\s+/)
    .filter((word) => word !== '')
    .map(Number);
}

function numberOf(hardware: string, name: string): number {
  const match = new RegExp(`^${name}: (\\d+) MB$`, 'm').exec(hardware);
  if (!match) throw new CaptureError(HARDWARE, '', `has no line "${name}: N MB"`);
  return Number(match[1]);
}
