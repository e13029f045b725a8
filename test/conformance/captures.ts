import { fileURLToPath } from 'node:url';
import { captureMachine } from '../../src/conformance/capture-machine.ts';
import type { Capture } from '../../src/conformance/capture.ts';
import { mappingsAfter } from '../../src/conformance/mapped-ranges.ts';
import { findCaptures, readCapture } from '../../src/conformance/read-capture.ts';
import type { RunModel } from '../../src/conformance/run-model.ts';
import { loadSteps } from '../../src/scenario/load-steps.ts';
import type { Scenario } from '../../src/scenario/types.ts';
import type { Errno } from '../../src/units/errno.ts';
import { factsOfFiles } from './facts-of-files.ts';

const ROOT = fileURLToPath(new URL('../../datasets/captures', import.meta.url));

/** Every kept capture, by a name for test titles. */
export const CAPTURES: [name: string, capture: Capture][] = findCaptures(ROOT).map((dir) => {
  const capture = readCapture(dir);
  return [`${capture.scenario} on ${capture.release}`, capture];
});

/** The first kept capture of a scenario, of the given profile. */
export function captureOf(profile: string, scenario: string): Capture {
  const found = CAPTURES.find(
    ([, capture]) => capture.profile === profile && capture.scenario.startsWith(scenario),
  );
  if (!found) throw new Error(`no capture ${scenario} of ${profile}`);
  return found[1];
}

/** The scenario of a capture's script, on the machine of the capture. */
export function scenarioOf(capture: Capture): Scenario {
  const machine = captureMachine(capture);
  const kernel = capture.profile ?? '6.12';
  const loaded = loadSteps({ file: `${capture.scenario}.steps`, text: capture.script, machine, kernel });
  if ('problems' in loaded) throw new Error(loaded.problems.map(({ message }) => message).join('\n'));
  return loaded.scenario;
}

/**
 * A model that says what the capture says, but for the address space that the capture's program reserves while it maps: a
 * model maps at once.
 */
export function modelOf(capture: Capture): RunModel {
  return ({ steps }) => ({
    name: 'the capture itself',
    steps: capture.steps.map(({ n, who, step, ret, errno, msg }) => ({
      n,
      line: n,
      who,
      text: step,
      ret,
      errno: errno as Errno | '',
      message: msg,
      expected: true,
    })),
    snapshots: capture.snapshots
      .filter(({ step }) => step <= steps.length)
      .map(({ label, step, files }) => {
        const facts = factsOfFiles(files, capture.profile!);
        const mappings = mappingsAfter(steps, capture.steps, step);
        for (const process of facts.processes) {
          const { peakBytes, reservedPeakBytes } = mappings.get(process.worker)!;
          process.vmPeakPages -= (reservedPeakBytes - peakBytes) / 4096;
        }
        return { label, facts };
      }),
  });
}
