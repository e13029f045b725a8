import { attribution } from '../../analysis/attribution.ts';
import { compareStrategies } from '../../report/comparison.ts';
import { parseStrategy } from '../../strategy/parse-strategy.ts';
import { BaselineFile } from '../baseline-file.ts';
import { worstExit } from '../exit-codes.ts';
import { InputError } from '../input-error.ts';
import { loadJobs, type Job, type Jobs } from '../load-jobs.ts';
import { ComparisonPrinter } from '../print-comparison.ts';
import { say } from '../progress.ts';
import { alarmLines, expectationLines, resultExit } from '../result-verdict.ts';
import { simulate } from '../simulate.ts';
import { isOn, textOf, type Arguments } from '../verb.ts';

/** `gmemlab compare`: the comparison on the standard output, and a verdict that CI can use. */
export async function compareCommand(args: Arguments): Promise<number> {
  const jobs = await loadJobs(args);
  const reference = referenceOf(jobs, textOf(args, 'reference'));
  const baseline = baselineOf(jobs.jobs, args);
  const printer = new ComparisonPrinter(args);
  const exits: number[] = [];
  for (const { scenario, plans } of jobs.jobs) {
    const result = await simulate(scenario, plans);
    const rows = attribution(result);
    const comparison = compareStrategies(result, rows, { reference });
    printer.print(comparison);
    for (const line of [...alarmLines(result, rows), ...expectationLines(scenario, result)]) say(line);
    exits.push(resultExit(result));
    if (baseline) exits.push(baseline.judge(result, rows));
  }
  return worstExit(exits);
}

/** Name of the strategy that differences are against: one of those that run. */
function referenceOf({ jobs, catalogue }: Jobs, expression: string | undefined): string | undefined {
  if (expression === undefined) return undefined;
  const parsed = parseStrategy(expression, catalogue);
  if ('problem' in parsed) throw new InputError([`--reference: ${parsed.problem}`]);
  const { name } = parsed.plan;
  const problems = jobs
    .filter(({ plans }) => plans.every((plan) => plan.name !== name))
    .map(({ scenario, plans }) => {
      const names = plans.map((plan) => plan.name).join(', ');
      return `--reference: "${name}" is none of the strategies that run in ${scenario.id} (${names})`;
    });
  if (problems.length > 0) throw new InputError(problems);
  return name;
}

function baselineOf(jobs: readonly Job[], args: Arguments): BaselineFile | null {
  const file = textOf(args, 'baseline');
  const isUpdate = isOn(args, 'update-baseline');
  if (file === undefined) {
    if (isUpdate) throw new InputError(['--update-baseline needs --baseline FILE'], { isUsage: true });
    return null;
  }
  if (jobs.length > 1) {
    throw new InputError([`--baseline holds one scenario, not ${jobs.length}: compare them one by one`]);
  }
  return new BaselineFile(file, { isUpdate });
}
