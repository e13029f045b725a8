import { join } from 'node:path';
import type { Capture } from '../conformance/capture.ts';
import { BootError, bootGuest, type BootRequest, type Guest } from '../lab/boot-guest.ts';
import type { LabKernel } from '../lab/find-kernels.ts';
import { GuestLost } from '../lab/guest-link.ts';
import { prepareGuest } from '../lab/prepare-guest.ts';
import { runCapture } from '../lab/run-capture.ts';
import { scriptHeaders } from '../lab/script-headers.ts';
import { parseVmstat } from '../procfs/vmstat.ts';
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

/** Events after which a kernel is judged by wider bounds, since they are counted from boot on. */
const LASTING = ['pgsteal_anon', 'pgsteal_file', 'thp_collapse_alloc'] as const;

/**
 * A guest on which one scenario runs after the other. It is booted when it is needed, and again after it broke down, after a scenario that
 * made it reclaim, and for a swap disk of another size.
 */
export class LabBench {
  readonly #kernel: LabKernel;
  readonly #machine: Machine;
  readonly #limitS: number;
  #guest: Guest | null = null;
  #swapBytes = 0;

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
    const { swapBytes } = headers;
    // A disk that no step asks for does no harm.
    if (swapBytes > 0 && swapBytes !== this.#swapBytes) this.stop();
    if (!this.#guest) {
      const [kernel, machine] = [this.#kernel, this.#machine];
      this.#guest = await bootPatiently({ kernel, machine, commandLine: '', swapBytes });
      this.#swapBytes = swapBytes;
      await prepareGuest(this.#guest, machine, {});
    }
    const guest = this.#guest;
    const late = (): void =>
      guest.link.lose(`${scenario.id} took more than ${this.#limitS} s (--time-limit)`);
    const timer = setTimeout(late, this.#limitS * 1000);
    try {
      const { capture } = await runCapture(guest, scenario, { withTools: false });
      const events = parseVmstat(capture.snapshots.at(-1)?.files.get('sys/vmstat') ?? '');
      if (LASTING.some((name) => (events.get(name) ?? 0) > 0)) this.stop();
      return capture;
    } finally {
      clearTimeout(timer);
    }
  }
}
