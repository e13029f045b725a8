import { noProcesses } from './check-processes.ts';
import type { Loaded, SourceFile } from './loaded.ts';
import { ProblemList } from './place.ts';
import { scenarioId } from './scenario-id.ts';
import { checkScript } from './steps/check-script.ts';
import { wholeFile } from './steps/script-text.ts';
import type { Machine, Scenario } from './types.ts';

/** A bare script and what it runs on. */
export interface StepsInput extends SourceFile {
  machine: Machine;
  kernel: Scenario['kernel'];
  /** A kernel has run the script and said what fails: it may name what is not there. */
  wasRun?: boolean;
}

/**
 * Makes a scenario from a `.steps` file, the format of the rig that captures real kernels. Its headers (`#cmdline:`, `#qemu:`, …)
 * are comments; the comment that opens the file becomes the description.
 */
export function loadSteps({
  file,
  text,
  machine,
  kernel,
  wasRun = false,
}: StepsInput): Loaded<{ scenario: Scenario }> {
  const problems = new ProblemList({ file });
  const seed = 1;
  const steps = checkScript(
    wholeFile(text),
    { machine, processes: {}, seed, mayFail: wasRun },
    problems.report,
  );
  if (problems.count > 0) return { problems: problems.sorted() };
  const id = scenarioId(file);
  const scenario: Scenario = {
    id,
    file,
    title: id,
    description: openingComment(text),
    sources: [],
    kernel,
    seed,
    machine,
    strategies: [],
    processes: noProcesses(),
    steps,
    script: text,
    expectations: [],
  };
  return { scenario };
}

function openingComment(text: string): string {
  const lines = text.split(/\r?\n/);
  const end = lines.findIndex((line) => !line.startsWith('#'));
  return lines
    .slice(0, end < 0 ? lines.length : end)
    .filter((line) => !/^#\w+:/.test(line))
    .map((line) => line.slice(1).trim())
    .join(' ');
}
