import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { profileOf } from '../../conformance/capture-meta.ts';
import { BootError, type Guest } from '../../lab/boot-guest.ts';
import { chooseKernel, type LabKernel } from '../../lab/find-kernels.ts';
import { GuestLost } from '../../lab/guest-link.ts';
import { PrepareError, prepareGuest } from '../../lab/prepare-guest.ts';
import { unbootable } from '../../lab/qemu-machine.ts';
import { labKernels, missingForLab } from '../../lab/requirements.ts';
import { runCapture } from '../../lab/run-capture.ts';
import { unrunnable } from '../../lab/run-lab-step.ts';
import { scriptHeaders, type ScriptHeaders } from '../../lab/script-headers.ts';
import { CONSOLE_FILE, mayHoldCapture, writeCapture } from '../../lab/write-capture.ts';
import type { Scenario } from '../../scenario/types.ts';
import { EXIT } from '../exit-codes.ts';
import { InputError } from '../input-error.ts';
import { bootPatiently } from '../lab-bench.ts';
import { say, showProgress } from '../progress.ts';
import { readScenario } from '../read-scenario.ts';
import { isOn, textOf, textsOf, type Arguments } from '../verb.ts';

/** Machine of scripts that state none. */
export const DEFAULT_MACHINE = 'rig-4node';

/** A scenario that the lab can run, with the kernel and the directory for its capture. */
interface LabJob {
  scenario: Scenario;
  headers: ScriptHeaders;
  kernel: LabKernel;
  out: string;
}

/** `gmemlab lab`: captures of real kernels. */
export async function labCommand(args: Arguments): Promise<number> {
  if (textOf(args, 'random') !== undefined) {
    return (await import('./lab-random.ts')).labRandomCommand(args);
  }
  const timeLimit = wholeNumber(args, 'time-limit');
  const kernels = labKernels(textOf(args, 'kernels'));
  const jobs = await readJobs(args, kernels);
  if ('missing' in jobs) {
    for (const words of jobs.missing) say(words);
    return EXIT.noVerdict;
  }
  for (const job of jobs.jobs) {
    const failure = await makeCapture(job, timeLimit, isOn(args, 'keep'));
    if (failure !== null) {
      say(failure);
      return EXIT.noVerdict;
    }
    process.stdout.write(`${job.out}\n`);
  }
  return EXIT.passed;
}

/** An option that is a whole number from 1 on. */
export function wholeNumber(args: Arguments, name: string): number {
  const text = textOf(args, name) ?? '';
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InputError([`--${name} is "${text}", must be a whole number from 1 on`], { isUsage: true });
}

async function readJobs(
  args: Arguments,
  kernels: readonly LabKernel[],
): Promise<{ jobs: LabJob[] } | { missing: string[] }> {
  const given = [...new Set(textsOf(args, 'scenario'))];
  if (given.length === 0) throw new InputError(['lab needs a scenario, or --random'], { isUsage: true });
  const wanted = textOf(args, 'kernel');
  const problems: string[] = [];
  const found: { scenario: Scenario; headers: ScriptHeaders; isBare: boolean }[] = [];
  for (const name of given) {
    const isBare = name.endsWith('.steps');
    const machine = textOf(args, 'machine') ?? (isBare ? DEFAULT_MACHINE : undefined);
    const read = await readScenario(name, { machine, own: null, forKernel: true });
    const headers = 'scenario' in read ? scriptHeaders(read.scenario.script) : { problem: '' };
    if ('problems' in read) problems.push(...read.problems);
    else if ('problem' in headers) problems.push(`${name}: ${headers.problem}`);
    else {
      problems.push(...whyNot(read.scenario));
      found.push({ scenario: read.scenario, headers, isBare });
    }
  }
  if (problems.length > 0) throw new InputError(problems);
  const kernelOf = ({ scenario, isBare }: { scenario: Scenario; isBare: boolean }): string | undefined =>
    wanted ?? (isBare ? undefined : scenario.kernel);
  const missing = new Set(found.flatMap((one) => missingForLab(kernels, kernelOf(one))));
  if (missing.size > 0) return { missing: [...missing] };
  const jobs = found.map((one): LabJob => {
    const { scenario, headers } = one;
    const kernel = findKernel(kernels, kernelOf(one));
    const out = join(textOf(args, 'out')!, kernel.release, scenario.id);
    if (!mayHoldCapture(out)) throw new InputError([`${out}: holds something else than a capture`]);
    return { scenario, headers, kernel, out };
  });
  return { jobs };
}

/** The kernel that was asked for; the newest that the model knows where none was. */
export function findKernel(kernels: readonly LabKernel[], wanted: string | undefined): LabKernel {
  if (wanted === undefined) return kernels.find(({ release }) => profileOf(release) !== null) ?? kernels[0]!;
  const found = chooseKernel(kernels, wanted);
  if ('problem' in found) throw new Error(found.problem);
  return found;
}

/** Why the lab cannot run a scenario, as lines with their places. */
function whyNot(scenario: Scenario): string[] {
  const { file, steps } = scenario;
  return [
    ...unbootable(scenario).map((words) => `${file}: machine: ${words}`),
    ...(scenario.proposed ?? []).map((name) => `${file}: proposed: no released kernel has ${name}`),
    ...steps.flatMap((step) => {
      const words = unrunnable(step);
      return words === null ? [] : [`${file}:${step.line}:${step.column}: ${words}`];
    }),
  ];
}

/** Boots, runs and stores; words for what went wrong, or null. */
async function makeCapture(job: LabJob, timeLimitS: number, keep: boolean): Promise<string | null> {
  const { scenario, headers, kernel, out } = job;
  const on = `${scenario.id} on ${kernel.release}`;
  showProgress(`${on}: booting`);
  let guest: Guest | null = null;
  let timer: NodeJS.Timeout | undefined;
  try {
    guest = await bootPatiently({ kernel, machine: scenario.machine, ...headers });
    const { link } = guest;
    timer = setTimeout(
      () => link.lose(`it took more than ${timeLimitS} s (--time-limit)`),
      timeLimitS * 1000,
    );
    await prepareGuest(guest, scenario.machine, headers.thp);
    const made = await runCapture(guest, scenario, {
      onStep: ({ step, n, of, snapshot }) => {
        if (process.stderr.isTTY) showProgress(`${on}: step ${n} of ${of}: ${step.text}`);
        else if (snapshot !== null) say(`${on}: snapshot ${snapshot} (step ${n} of ${of})`);
      },
    });
    showProgress('');
    writeCapture(out, made);
    if (keep) {
      const log = await link.ask('-', ['run', '/bin/dmesg']);
      writeFileSync(join(out, 'dmesg.txt'), log.files.get('output') ?? '');
      writeFileSync(join(out, CONSOLE_FILE), guest.console());
    }
    return null;
  } catch (error) {
    if (!(error instanceof GuestLost || error instanceof BootError || error instanceof PrepareError))
      throw error;
    const text = error instanceof BootError ? error.console : (guest?.console() ?? '');
    mkdirSync(out, { recursive: true });
    const file = join(out, CONSOLE_FILE);
    writeFileSync(file, text);
    return `${on}: ${error.message}; the guest's console is in ${file}`;
  } finally {
    clearTimeout(timer);
    guest?.stop();
  }
}
