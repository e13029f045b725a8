import type { Capture, RecordedStep } from '../conformance/capture.ts';
import { parseMeta, profileOf } from '../conformance/capture-meta.ts';
import type { Scenario, Step } from '../scenario/types.ts';
import type { Guest } from './boot-guest.ts';
import { LabRun } from './lab-run.ts';
import { defaultWorker, runLabStep } from './run-lab-step.ts';
import { takeSnapshot } from './take-snapshot.ts';

/** What the lab tells while it works. */
export type LabProgress = (at: { step: Step; n: number; of: number; snapshot: string | null }) => void;

/** A capture as it was made, with files that steps stored beside it. */
export interface LabCapture {
  capture: Capture;
  stored: ReadonlyMap<string, string>;
}

/** Settings of the kernel that a capture states, by their names there. */
const SETTINGS: Readonly<Record<string, string>> = {
  cmdline: '/proc/cmdline',
  thp_enabled: '/sys/kernel/mm/transparent_hugepage/enabled',
  thp_shmem_enabled: '/sys/kernel/mm/transparent_hugepage/shmem_enabled',
  thp_defrag: '/sys/kernel/mm/transparent_hugepage/defrag',
  numa_balancing: '/proc/sys/kernel/numa_balancing',
  zone_reclaim_mode: '/proc/sys/vm/zone_reclaim_mode',
  compaction_proactiveness: '/proc/sys/vm/compaction_proactiveness',
  compact_unevictable_allowed: '/proc/sys/vm/compact_unevictable_allowed',
  lru_gen_enabled: '/sys/kernel/mm/lru_gen/enabled',
  overcommit_memory: '/proc/sys/vm/overcommit_memory',
};
const BLOCK_SIZE = '/sys/devices/system/memory/block_size_bytes';

/**
 * Runs a scenario's steps in a booted guest and takes its snapshots. Workers and groups are gone afterwards, so that another scenario can
 * follow. `withTools` has numastat run at every snapshot, which takes most of its time.
 */
export async function runCapture(
  guest: Guest,
  scenario: Scenario,
  { withTools = true, onStep }: { withTools?: boolean; onStep?: LabProgress | undefined } = {},
): Promise<LabCapture> {
  const run = new LabRun(guest);
  const { ret, files } = await run.control('run', '/usr/bin/numactl', '--hardware');
  if (ret !== 0) throw new Error(`numactl --hardware ended with ${ret} in the guest`);
  const meta = await readMeta(run, scenario);
  const steps: RecordedStep[] = [];
  const snapshots: Capture['snapshots'] = [];
  for (const [at, step] of scenario.steps.entries()) {
    const n = at + 1;
    const snapshot = step.verb === 'snapshot' ? step.args.label : null;
    onStep?.({ step, n, of: scenario.steps.length, snapshot });
    if (snapshot !== null) {
      await defaultWorker(run);
      snapshots.push({ label: snapshot, step: n, files: await takeSnapshot(run, withTools) });
      steps.push({ n, who: 'ctl', step: step.text, ret: 0, errno: '', msg: '' });
      continue;
    }
    const { who, ret: returned, errno, message } = await runLabStep(run, step);
    steps.push({ n, who, step: step.text, ret: returned, errno, msg: message });
  }
  const { stored } = run;
  const log = await run.control('run', '/bin/dmesg');
  await run.clear();
  const { release } = guest.kernel;
  const capture: Capture = {
    scenario: scenario.id,
    release,
    profile: profileOf(release),
    meta,
    hardware: files.get('output') ?? '',
    script: scenario.script,
    steps,
    log: killLines(log.files.get('output') ?? ''),
    snapshots,
  };
  return { capture, stored };
}

/** The lines of a kernel log that tell who was killed for memory. */
const killLines = (log: string): string =>
  (log.match(/^.*(?:oom-kill:|Killed process).*\n/gm) ?? []).join('');

async function readMeta(run: LabRun, scenario: Scenario): Promise<ReadonlyMap<string, string>> {
  const { files } = await run.control('cat', ...Object.values(SETTINGS), BLOCK_SIZE);
  const uname = await run.control('run', '/bin/uname', '-a');
  const lines = [
    `scenario: ${scenario.id}`,
    'page_size: 4096',
    `topology: ${scenario.machine.title}`,
    `uname: ${(uname.files.get('output') ?? '').trim()}`,
    ...Object.entries(SETTINGS).flatMap(([key, path]) =>
      files.has(path) ? [`${key}: ${files.get(path)!.trim()}`] : [],
    ),
    ...(files.has(BLOCK_SIZE) ? [`memory_block_size: 0x${files.get(BLOCK_SIZE)!.trim()}`] : []),
  ];
  return parseMeta('meta.txt', lines.join('\n'));
}
