import {
  parseMemoryEvents,
  parseMemoryNumaStat,
  parseMemoryStat,
  type MemoryNumaStat,
} from '../procfs/memory-stat.ts';
import { parseBytes, parseNumbers } from '../procfs/single-value.ts';
import { parseStatus } from '../procfs/status.ts';
import { PAGE_SIZE } from '../units/pages.ts';
import { cgroupDir, cgroupsIn, processDir, workersIn, type SnapshotFiles } from './capture.ts';
import { compareCounters } from './compare-counters.ts';
import type { SideMoments } from './compare-system.ts';
import type { FieldClassName } from './field-class.ts';
import type { NoiseContext } from './noise.ts';
import type { Tally } from './tally.ts';

type Numbers = ReadonlyMap<string, number> | null;

/** Files of a cgroup that hold numbers. A cgroup that was not there before began at zero. */
const FILES: readonly { fieldClass: FieldClassName; unit: string; read: (text: string) => Numbers }[] = [
  { fieldClass: 'memory.current', unit: '', read: (text) => single('memory.current', text) },
  { fieldClass: 'memory.peak', unit: '', read: (text) => single('memory.peak', text) },
  { fieldClass: 'memory.swap.current', unit: '', read: (text) => single('memory.swap.current', text) },
  { fieldClass: 'memory.stat', unit: '', read: parseMemoryStat },
  { fieldClass: 'memory.numa_stat', unit: '', read: (text) => byItemAndNode(parseMemoryNumaStat(text)) },
  { fieldClass: 'memory.events', unit: '', read: parseMemoryEvents },
];

function single(name: string, text: string): Numbers {
  const bytes = parseBytes(name, text);
  return bytes === null ? null : new Map([[name, bytes]]);
}

function byItemAndNode(stat: MemoryNumaStat): Numbers {
  return new Map(
    [...stat].flatMap(([item, nodes]) =>
      [...nodes].map(([nid, bytes]): [string, number] => [`${item} N${nid}`, bytes]),
    ),
  );
}

/** Compares the files of every cgroup that either side has; the root, which boot has filled, only once there is a snapshot before. */
export function compareCgroups(
  tally: Tally,
  kernel: SideMoments,
  model: SideMoments,
  hasBefore: boolean,
  context: NoiseContext,
  goTo: (where: string) => void,
): void {
  const inKernel = cgroupsIn(kernel.now.files);
  const inModel = cgroupsIn(model.now.files);
  for (const path of new Set([...inKernel, ...inModel])) {
    if (path === '/' && !hasBefore) continue;
    const dir = cgroupDir(path);
    if (path !== '/') {
      goTo(`${dir}/cgroup.procs`);
      tally.text({
        fieldClass: 'cgroup.procs',
        field: path,
        name: 'members',
        kernel: inKernel.includes(path) ? members(kernel.now.files, dir) : null,
        model: inModel.includes(path) ? members(model.now.files, dir) : null,
      });
    }
    const kernelPages = [kernel, model].map(({ now }) => kernelPagesOf(now.files.get(`${dir}/memory.stat`)));
    const otherKernelPages = Math.abs(kernelPages[0]! - kernelPages[1]!);
    for (const { fieldClass, unit, read } of FILES) {
      const file = `${dir}/${fieldClass}`;
      const numbers = (files: SnapshotFiles): Numbers => {
        const text = files.get(file);
        return text === undefined ? null : read(text);
      };
      const modelNumbers = (files: SnapshotFiles): Numbers => {
        const found = numbers(files);
        return found && context.hasTinySlab ? withoutReclaimable(found) : found;
      };
      goTo(file);
      compareCounters(tally, {
        fieldClass,
        unit,
        kernel: { now: numbers(kernel.now.files), before: numbers(kernel.before.files) },
        model: { now: modelNumbers(model.now.files), before: modelNumbers(model.before.files) },
        context: { ...context, otherKernelPages },
        nameOf: (field) => field.replace(/ N\d+$/, ''),
      });
    }
  }
}

const kernelPagesOf = (stat: string | undefined): number =>
  (parseMemoryStat(stat ?? '').get('kernel') ?? 0) / PAGE_SIZE;

/** What a kernel would report that calls no slab reclaimable. */
function withoutReclaimable(numbers: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
  return new Map(
    [...numbers].map(([field, value]): [string, number] => {
      if (field.startsWith('slab_reclaimable')) return [field, 0];
      if (!field.startsWith('slab_unreclaimable')) return [field, value];
      return [field, value + (numbers.get(field.replace('unreclaimable', 'reclaimable')) ?? 0)];
    }),
  );
}

/** The workers of a cgroup by name, since pids are nobody's business; others keep their number. */
function members(files: SnapshotFiles, dir: string): string {
  const names = new Map(workersIn(files).map((worker): [number, string] => [pidOf(files, worker), worker]));
  return parseNumbers('cgroup.procs', files.get(`${dir}/cgroup.procs`) ?? '')
    .map((pid) => names.get(pid) ?? `pid ${pid}`)
    .sort()
    .join(' ');
}

function pidOf(files: SnapshotFiles, worker: string): number {
  return Number(parseStatus(files.get(`${processDir(worker)}/status`) ?? '').get('Pid'));
}
