import { join } from 'node:path';
import type { Capture } from '../conformance/capture.ts';
import { BootError, bootGuest, type BootRequest, type Guest } from '../lab/boot-guest.ts';
import type { LabKernel } from '../lab/find-kernels.ts';
import { GuestLost } from '../lab/guest-link.ts';
import { prepareGuest } from '../lab/prepare-guest.ts';
import { runCapture } from '../lab/run-capture.ts';
import { scriptHeaders } from '../lab/script-headers.ts';
import type { Machine, Scenario } from '../scenario/types.ts';
import { onInterrupt } from './interrupt.ts';
import { packageRoot } from './package-root.ts';
import { say } from './progress.ts';

/** Lines of a guest's console that are shown when it breaks down. */
const LAST_LINES = 5;

/** Boots a guest. Emulated kernels crash now and then while they start (about once in 65 times): one more try is made then. */
export async function bootPatiently(
  request: Pick<BootRequest, 'kernel' | 'machine' | 'commandLine' | 'swapBytes'>,
): Promise<Guest> {
  const whole: BootRequest = { ...request, sources: join(packageRoot(), 'src', 'lab', 'guest'), onInterrupt };
  try {
    return await bootGuest(whole);
  } catch (error) {
    if (!(error instanceof BootError)) throw error;
    say(`${error.message}; trying once more`);
    return bootGuest(whole);
  }
}

/**
 * Runs one scenario after the other, each on a kernel of its own: inode numbers, the order in which nodes fill a pool, the places of the
 * program's pages and what reclaim has seen would else depend on the scenarios before.
 */
export class LabBench {
  readonly #kernel: LabKernel;
  readonly #machine: Machine;
  readonly #limitS: number;
  #guest: Guest | null = null;

  /** `limitS`: seconds that one scenario may take. */
  constructor(config: { kernel: LabKernel; machine: Machine; limitS: number }) {
    this.#kernel = config.kernel;
    this.#machine = config.machine;
    this.#limitS = config.limitS;
  }

  /** What the kernel reports of a scenario, without the tools. A scenario over which the guest breaks down runs once more. */
  async capture(scenario: Scenario): Promise<Capture> {
    try {
      return await this.#run(scenario);
    } catch (error) {
      if (!(error instanceof GuestLost)) throw error;
      const last = this.#guest?.console().trimEnd().split('\n').slice(-LAST_LINES).join('\n');
      this.stop();
      say(`${error.message}; booting again\n${last ?? ''}`);
      return this.#run(scenario);
    }
  }

  stop(): void {
    this.#guest?.stop();
    this.#guest = null;
  }

  async #run(scenario: Scenario): Promise<Capture> {
    const headers = scriptHeaders(scenario.script);
    if ('problem' in headers) throw new Error(`${scenario.id}: ${headers.problem}`);
    const [kernel, machine] = [this.#kernel, this.#machine];
    const guest = await bootPatiently({ kernel, machine, ...headers });
    this.#guest = guest;
    const late = (): void =>
      guest.link.lose(`${scenario.id} took more than ${this.#limitS} s (--time-limit)`);
    const timer = setTimeout(late, this.#limitS * 1000);
    try {
      await prepareGuest(guest, machine, headers.thp);
      const { capture } = await runCapture(guest, scenario, { withTools: false });
      this.stop();
      return capture;
    } finally {
      clearTimeout(timer);
    }
  }
}
