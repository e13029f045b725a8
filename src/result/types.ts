/**
 * The run document: everything that is printed, drawn or compared comes from it, and it holds no clock readings, host
 * names or paths. `gmemlab run` writes it as result.json; its schema is datasets/schema/result.schema.json.
 */
import type { SnapshotFacts } from '../procfs/facts.ts';
import type { Errno } from '../units/errno.ts';
import type { MigrateReason } from '../units/migration.ts';

export const RESULT_FORMAT = 1;

export interface RunResult {
  $schema: string;
  format: number;
  tool: { name: 'gmemlab'; version: string };
  scenario: ScenarioSummary;
  machine: MachineSummary;
  /** In the order asked for. */
  strategies: StrategyRun[];
}

export interface ScenarioSummary {
  /** File name without directory and extension: the id under which reports are stored. */
  id: string;
  title: string;
  description: string;
  kernel: string;
  seed: number;
  /** The step script, as written. */
  steps: string;
  /** Where the scenario's figures come from. */
  sources: string[];
}

export interface MachineSummary {
  title: string;
  nodes: { nid: number; cpulist: string; memoryBytes: number; distances: number[] }[];
}

/** One strategy's world. */
export interface StrategyRun {
  /** Canonical name: `fbind`, or `fbind+tracker{oom=true}+unmovable`. Unique in a document. */
  name: string;
  title: string;
  parts: PartUse[];
  /** How far any number of this world can be trusted at best: see worldLabel. */
  label: FieldLabel;
  /** A strategy that threw: everything up to the failing step is kept. */
  error: { step: number; line: number; message: string; part: string } | null;
  steps: StepResult[];
  snapshots: Snapshot[];
  /** Laws broken, with the step: findings about the design. */
  findings: Finding[];
  /** What the scenario says will be seen under this strategy, and what was. */
  expectations: ExpectationResult[];
  /** Processes that the OOM killer ended, in order. */
  kills?: OomKill[] | undefined;
  /** What the kernel log says of kills and bad counters, line by line and without times; absent where it says nothing. */
  kernelLog?: string[] | undefined;
  /** What movers did to private memory, and what came of it; absent where none did anything. */
  movers?: MoverRecord[] | undefined;
  /** Guest memory that existed twice; absent where none did. */
  inBothPools?: PoolOverlap[] | undefined;
  /** Operation counts (locks, walks, counter updates …) by name. */
  counts: Record<string, number>;
  /** Balanced ledger: postings summed by from, to and reason. */
  ledger: LedgerLine[];
}

export interface PartUse {
  axis: 'placement' | 'accounting' | 'migration';
  id: string;
  title: string;
  summary: string;
  origin: 'mainline' | 'proposed' | 'what-if';
  source: string;
  /** All options with their values, defaults included. */
  options: Record<string, string | number | boolean>;
}

/** How far a number can be trusted. */
export type FieldLabel = 'verified' | 'derived' | 'hypothetical';
/** accounting: limits and kills depend on it; stat: people look at it. */
export type FieldClass = 'accounting' | 'stat';

export interface StepResult {
  /** 1-based position in the script after repeat blocks are unrolled. */
  n: number;
  /** Line in the scenario file. */
  line: number;
  /** Worker name, or `ctl`. */
  who: string;
  text: string;
  ret: number;
  errno: Errno | '';
  message: string;
  /** false when the line stated another result than the one that came. */
  expected: boolean;
}

export interface Snapshot {
  label: string;
  /** Step after which it was taken. */
  step: number;
  facts: SnapshotFacts;
  truth: TruthFacts;
}

/** The omniscient record, kept by the engine, never by a strategy. */
export interface TruthFacts {
  /** One row per file and anonymous owner that holds memory. */
  holdings: Holding[];
  /** Private memory per process that really serves its VM, and everything else it uses. */
  processes: ProcessTruth[];
  /** Free plus used pages per node. */
  nodes: { nid: number; freePages: number; usedPages: number }[];
  /** Structures that exist because of private memory, by their ids in datasets/costs.json. */
  structures?: Record<string, number> | undefined;
  /** Guest memory that exists twice, as of now; absent when none ever did. */
  inBothPools?: PoolOverlap[] | undefined;
}

/** Pages of one gmem of which the shared pool behind the same guest frames has a page, too: memory that a guest occupies twice. */
export interface PoolOverlap {
  /** Object name of the gmem. */
  object: string;
  /** Now. */
  pages: number;
  /** The most so far, and the first step after which it was so many. */
  peakPages: number;
  peakStep: number;
  peakLine: number;
  /** Pages summed over all steps after which they were in both. */
  pageSteps: number;
  /** Steps after which there were any. */
  steps: number;
}

export interface Holding {
  /** Object name of the scenario (`private`, `ram`), or a description of anonymous memory. */
  object: string;
  kind: 'gmem' | 'memfd' | 'shmem' | 'anon' | 'file' | 'hugetlb' | 'kernel';
  /** Worker whose VM or mapping the memory serves; null when nobody. */
  user: string | null;
  /** VM name, or null. */
  vm: string | null;
  /** Pages per node id. */
  nodePages: number[];
  /** Pages per node id that reclaim may never take: mlocked, or in a guest_memfd. Absent: all of a gmem, none of the rest. */
  unevictableNodePages?: number[] | undefined;
  /** Pages that a guest page table maps. */
  guestMappedPages: number;
  /** Pages by cgroup path charged (dying cgroups print as `path (deleted)`). */
  chargedPages: Record<string, number>;
  /** Pages by worker that allocated them. */
  allocatedPages: Record<string, number>;
  /** Pages that the wanted policy of the VMM would put elsewhere; null when no wish was stated. */
  offPolicyPages: number | null;
  /** Those pages per node id that holds them; absent when no wish was stated. */
  offPolicyNodePages?: number[] | undefined;
  /** Pages of a gmem that mm may take off to move, by the design's word; absent for other memory. */
  movablePages?: number | undefined;
  /** Guest frames whose second-level entries point at frames that the file no longer holds there; absent: none. */
  stalePages?: number | undefined;
}

export interface ProcessTruth {
  worker: string;
  pid: number;
  cgroup: string;
  /** Private guest memory that serves this process' VMs, per node id. */
  privateNodePages: number[];
  /** All memory that lives because of this process: private, shared pool and its own, per node id. */
  nodePages: number[];
}

export interface Finding {
  kind: 'law' | 'hazard' | 'expectation';
  /** Stable id, e.g. `rss-balanced-at-exit`. */
  id: string;
  message: string;
  step: number;
  line: number;
  /** Steps that led to it, in order, where more than one did. */
  chain?: FindingLink[] | undefined;
}

/** One step of what led to a finding. */
export interface FindingLink {
  step: number;
  line: number;
  /** What the step did to bring it about. */
  message: string;
}

/** Who moves pages, in the words of tables; `allocation` is a step that just needs memory. */
export type MoverName =
  | 'compaction'
  | 'NUMA balancing'
  | 'migratepages'
  | 'move_pages'
  | 'mbind'
  | 'cpuset'
  | 'offlining'
  | 'soft offline'
  | 'huge page pool'
  | 'allocation';

/** A step that had mm move pages: what became of private memory, and what was gained. */
export interface MoverRecord {
  step: number;
  line: number;
  mover: MoverName;
  /** Private pages that it was asked to move; null where the mover itself picks what it takes. */
  askedPages: number | null;
  /** Private pages that went from their files and are lost. */
  lostPages: number;
  /** Private memory that it found, by file and mover. */
  files: MovedFile[];
  /** Free blocks of 2 MiB that there are more of afterwards, per node id. */
  gainedHugeBlocks: number[];
  /** Memory blocks that went offline, per node id, those included that came back in the same step. */
  offlinedBlocks: number[];
  /** Pages of private memory that came to lie where the VMM wished, less those that went elsewhere. */
  rehomedPages: number;
}

/** Private memory of one file that a mover found. */
export interface MovedFile {
  /** Object name of the scenario. */
  object: string;
  reason: MigrateReason;
  movedPages: number;
  /** Pages that it could not move, each time that it found them. */
  failedPages: number;
  /** Pages that it passed over as nothing to take. */
  passedPages: number;
  /** Why it could not. */
  errnos: Errno[];
}

/** A process that the OOM killer ended, and what everybody used at that moment. */
export interface OomKill {
  step: number;
  line: number;
  worker: string;
  /** Its cgroup. */
  cgroup: string;
  /** Cgroup that was at its limit; null when the machine, or the nodes of a policy, had no page left. */
  limit: string | null;
  /** By the engine's record, just before it died: pages of each process that lived, those of other cgroups included. */
  used: { worker: string; cgroup: string; pages: number }[];
}

/** What the numbers of an expectation are. presence and errno may be text, a name always is. */
export type ExpectationUnit = 'bytes' | 'count' | 'presence' | 'errno' | 'name';

/** One expectation of the scenario, and what came. */
export interface ExpectationResult {
  /** Place of the value in the scenario file. */
  line: number;
  column: number;
  /** Snapshot that was looked at; null: the whole run. */
  at: string | null;
  /** Snapshot that the values are differences from; null: none. */
  since: string | null;
  /** What was read, in the words of the scenario. */
  reading: string;
  unit: ExpectationUnit;
  /** null: nothing was to be seen. */
  expected: number | string | null;
  /** How far off a number may be. */
  tolerance: number;
  /** null: nothing was seen. */
  actual: number | string | null;
  isMet: boolean;
}

export interface LedgerLine {
  from: string;
  to: string;
  reason: string;
  pages: number;
  postings: number;
}
