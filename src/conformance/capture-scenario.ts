import type { ImageVma, ProcessSpec, Scenario, Step } from '../scenario/types.ts';
import { CaptureError, workersIn, type Capture } from './capture.ts';
import { DEFAULT_WORKER, mappingsAfter } from './mapped-ranges.ts';
import { readProcess, type ProcessReading } from './process-reading.ts';
import { recordedAddress } from './recorded-steps.ts';

/**
 * Adds to the scenario of a capture's script what is input of the model because no step decides it: the addresses at which the
 * kernel put mappings, and the program that each started worker consists of.
 */
export function captureScenario(capture: Capture, scenario: Scenario): Scenario {
  checkSteps(capture, scenario);
  const steps = scenario.steps.map((step, at): Step => {
    const recorded = capture.steps[at];
    const address = recorded ? recordedAddress(recorded) : null;
    if (address === null) return step;
    if (step.verb === 'map') return { ...step, args: { ...step.args, at: address } };
    if (step.verb === 'anon map') return { ...step, args: { ...step.args, at: address } };
    return step;
  });
  return { ...scenario, steps, processes: { ...scenario.processes, ...programs(capture, steps) } };
}

/** A step that is counted differently would shift every comparison after it. */
function checkSteps(capture: Capture, scenario: Scenario): void {
  if (capture.steps.length > scenario.steps.length) {
    throw new CaptureError(
      'steps.jsonl',
      '',
      `records ${capture.steps.length} steps, the script has ${scenario.steps.length}`,
    );
  }
  capture.steps.forEach(({ n, step }, at) => {
    const given = scenario.steps[at]!;
    const words = `${given.who === null ? '' : `${given.who}: `}${given.text.replace(/^\w+:\s+/, '')}`;
    const same = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
    if (same(words) !== same(step)) {
      throw new CaptureError(
        'steps.jsonl',
        `step ${n}`,
        `records "${step}", line ${given.line} of the script is "${given.text}"`,
      );
    }
  });
}

/** The program of every worker that no other forked, as its first snapshot shows it. */
function programs(capture: Capture, steps: readonly Step[]): Record<string, ProcessSpec> {
  const spawned = new Set([
    DEFAULT_WORKER,
    ...steps.flatMap((step) => (step.verb === 'spawn' ? [step.args.worker] : [])),
  ]);
  const specs: Record<string, ProcessSpec> = {};
  for (const { files, step } of capture.snapshots) {
    const mappings = mappingsAfter(steps, capture.steps, step);
    for (const worker of workersIn(files)) {
      if (!spawned.has(worker) || specs[worker]) continue;
      const reading = readProcess(files, worker, mappings.get(worker));
      if (reading) specs[worker] = specOf(reading);
    }
  }
  return specs;
}

function specOf({ status, ownVmas, numaLines }: ProcessReading): ProcessSpec {
  const comm = status.get('Name') ?? '';
  return {
    comm,
    cmdline: [comm],
    pid: Number(status.get('Pid')),
    cgroup: '/',
    image: ownVmas
      .filter((vma) => !vma.name.startsWith('anon_inode:'))
      .map((vma): ImageVma => {
        const numa = numaLines.get(vma.start)?.numa;
        const { start, end, perms, offset, dev, inode, name, vmFlags } = vma;
        return {
          start,
          end,
          perms,
          offset,
          dev,
          inode,
          name,
          vmFlags,
          resident: numa?.nodes ?? [],
          anonPages: numa?.anon ?? 0,
        };
      }),
  };
}
