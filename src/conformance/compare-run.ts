import type { Scenario, Step } from '../scenario/types.ts';
import { askedOfMemory } from './asked-of-memory.ts';
import { memoryBlockPages } from './capture-meta.ts';
import { nodesIn, type Capture, type CaptureSnapshot } from './capture.ts';
import { compareOfflining } from './compare-outcomes.ts';
import { compareSnapshot, type Moments, type SnapshotComparison } from './compare-snapshot.ts';
import { compareSteps } from './compare-steps.ts';
import { compareVictims } from './compare-victims.ts';
import { collapsedPages } from './khugepaged-noise.ts';
import { leftoversAfter, NO_LEFTOVERS } from './leftovers.ts';
import { mappingsAfter } from './mapped-ranges.ts';
import { modelFiles } from './model-files.ts';
import type { ModelRun } from './run-model.ts';
import { asksForHuge, locksMemory } from './referenced-noise.ts';
import type { Tally } from './tally.ts';

/** Compares a run of the model with the capture, and returns up to which step: see compareVictims. */
export function compareRun(tally: Tally, capture: Capture, scenario: Scenario, run: ModelRun): number {
  const ofModel = new Map(run.snapshots.map(({ label, facts }) => [label, modelFiles(facts)]));
  const modelAt = ({ label }: CaptureSnapshot): Map<string, string> => ofModel.get(label) ?? new Map();
  const until = compareVictims(tally, capture, scenario.steps, modelAt);
  const recorded = capture.steps.slice(0, until);
  const collapsedBy = (at: number): number => {
    const next = capture.snapshots.find(({ step }) => step >= at);
    return next ? Math.max(0, collapsedPages(next.files) - collapsedPages(modelAt(next))) : 0;
  };
  compareSteps(tally, scenario.steps, recorded, run.steps, collapsedBy);
  compareOfflining(tally, scenario.steps, recorded, run.steps);
  const blockPages = memoryBlockPages(capture);
  let before: Moments | null = null;
  let stepBefore = 0;
  let leftovers = NO_LEFTOVERS;
  const snapshots = capture.snapshots.filter(({ step }) => step <= until);
  for (const [at, snapshot] of snapshots.entries()) {
    const { label, step, files } = snapshot;
    const next = snapshots[at + 1] ?? snapshot;
    const mappings = mappingsAfter(scenario.steps, capture.steps, step);
    const now: Moments = {
      kernel: { files, mappings },
      model: { files: modelAt(snapshot), mappings },
      history: before?.history ?? new Map(),
    };
    const since = scenario.steps.slice(stepBefore, step);
    const asked = askedOfMemory(since);
    if (before)
      leftovers = leftoversAfter(leftovers, asked, {
        before: before.kernel.files,
        kernel: files,
        model: now.model.files,
        blockPages,
      });
    compareSnapshot(tally, {
      label,
      step,
      first: capture.snapshots[0]!.files,
      now,
      before,
      earlier: snapshots[at - 2]?.files ?? null,
      later: { kernel: next.files, model: modelAt(next) },
      asked,
      leftovers,
      ...conditions(capture, scenario.steps, step, since),
    });
    before = now;
    stepBefore = step;
  }
  return until;
}

/** What noise bounds depend on, from the machine and the script. */
function conditions(
  { snapshots, hardware, profile }: Capture,
  steps: readonly Step[],
  count: number,
  since: readonly Step[],
): Pick<
  SnapshotComparison,
  | 'cpus'
  | 'nodes'
  | 'interleaves'
  | 'movesProcesses'
  | 'movesByCpuset'
  | 'referencedConditions'
  | 'scoresExactly'
  | 'setsMax'
> {
  const cpus = [...hardware.matchAll(/^node \d+ cpus:(.*)$/gm)].flatMap((match) =>
    match[1]!.trim().split(/\s+/),
  );
  const nodes = nodesIn(snapshots[0]!.files).length;
  const hasCpusets = steps.slice(0, count).some(setsCpuset);
  return {
    cpus: Math.max(cpus.filter((cpu) => cpu !== '').length, nodes),
    nodes,
    interleaves: steps.slice(0, count).some(isInterleaving),
    movesProcesses: since.some((step) => movesProcess(step, hasCpusets)),
    movesByCpuset: since.some((step) => movesByCpuset(step, hasCpusets)),
    referencedConditions: {
      monitors: profile !== '6.12',
      locks: steps.slice(0, count).some(locksMemory),
      hasHuge: steps.slice(0, count).some(asksForHuge),
    },
    scoresExactly: profile === '7.3',
    setsMax: since.some((step) => step.verb === 'cgroup limit' && step.args.file === 'memory.max'),
  };
}

const isInterleaving = (step: Step): boolean =>
  (step.verb === 'mempolicy' || step.verb === 'vm ttouch' || step.verb === 'vm vcpu') &&
  (step.args.mode === 'interleave' || step.args.mode === 'winterleave');

const setsCpuset = (step: Step): boolean => step.verb === 'cgroup limit' && step.args.file === 'cpuset.mems';

const movesByCpuset = (step: Step, hasCpusets: boolean): boolean =>
  setsCpuset(step) || (step.verb === 'cgroup move' && hasCpusets);

const movesProcess = (step: Step, hasCpusets: boolean): boolean =>
  step.verb === 'migratepages' ||
  (step.verb === 'exec' && step.args.argv.some((word) => word.endsWith('migratepages'))) ||
  movesByCpuset(step, hasCpusets);
