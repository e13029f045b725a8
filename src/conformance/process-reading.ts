import { parseNumaMaps, type NumaMapsVma } from '../procfs/numa-maps.ts';
import { parseSmaps, parseSmapsRollup, type SmapsRollup, type SmapsVma } from '../procfs/smaps.ts';
import { parseStatm, type Statm } from '../procfs/statm.ts';
import { parseStatus } from '../procfs/status.ts';
import { processDir, type SnapshotFiles } from './capture.ts';
import { isMappedByStep, type WorkerMappings } from './mapped-ranges.ts';

/** The texts of one process, read, with its mappings told apart. */
export interface ProcessReading {
  status: ReadonlyMap<string, string>;
  /** Mappings that steps made, ascending. */
  vmas: SmapsVma[];
  /** The worker program's own mappings, ascending. */
  ownVmas: SmapsVma[];
  numaLines: ReadonlyMap<number, NumaMapsVma>;
  rollup: SmapsRollup | null;
  /** null where the snapshot does not hold the file. */
  statm: Statm | null;
  oomScore: string | null;
  oomScoreAdj: number;
}

/**
 * Reads the files of a worker. Null when it has none, or no memory any more: a zombie still has a directory.
 * Malformed text is a ProcTextError.
 */
export function readProcess(
  files: SnapshotFiles,
  worker: string,
  mappings: WorkerMappings | undefined,
): ProcessReading | null {
  const dir = processDir(worker);
  const text = (name: string): string => files.get(`${dir}/${name}`) ?? '';
  const status = parseStatus(text('status'));
  if (!status.has('VmSize')) return null;
  const all = parseSmaps(text('smaps')).filter((vma) => vma.name !== '[vsyscall]');
  const statm = files.get(`${dir}/statm`);
  return {
    status,
    vmas: all.filter((vma) => isMappedByStep(mappings, vma)),
    ownVmas: all.filter((vma) => !isMappedByStep(mappings, vma)),
    numaLines: new Map(parseNumaMaps(text('numa_maps')).map((vma) => [vma.start, vma])),
    rollup: parseSmapsRollup(text('smaps_rollup')),
    statm: statm === undefined ? null : parseStatm(statm),
    oomScore: files.get(`${dir}/oom_score`) ?? null,
    oomScoreAdj: Number(text('oom_score_adj')),
  };
}
