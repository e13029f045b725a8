import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Machine } from '../scenario/types.ts';
import type { LabKernel } from './find-kernels.ts';
import { GuestLink, GuestLost } from './guest-link.ts';
import { makeInitramfs, type GuestSources } from './initramfs.ts';
import { machineArguments } from './qemu-machine.ts';

/** What to boot. */
export interface BootRequest {
  kernel: LabKernel;
  machine: Machine;
  sources: GuestSources;
  /** Words for the kernel's command line beyond the lab's own. */
  commandLine: string;
  /** Bytes of an empty disk, /dev/vda in the guest; 0 for none. */
  swapBytes: number;
  /** Has something undone when the program is interrupted; returns what takes that back. */
  onInterrupt: (undo: () => void) => () => void;
}

/** A running guest. */
export interface Guest {
  kernel: LabKernel;
  machine: Machine;
  link: GuestLink;
  /** Ends it, and removes everything that it left on the host. */
  stop: () => void;
  /** What it has printed so far. */
  console: () => string;
}

/** The guest did not come up, or broke down; `console` is what it printed. */
export class BootError extends Error {
  override name = 'BootError';
  readonly console: string;

  constructor(message: string, console: string) {
    super(message);
    this.console = console;
  }
}

/** Under emulation a kernel is up after 10 to 30 seconds. */
const BOOT_LIMIT_MS = 180_000;
/** Addresses of processes and of the kernel are the same at every boot; nothing runs that no step asked for. */
const COMMAND_LINE =
  'console=ttyS0 loglevel=4 panic=-1 nokaslr norandmaps mitigations=off numa_balancing=disable audit=0 nowatchdog tsc=reliable no_timer_check';

/** Boots a kernel and waits for its agent. */
export async function bootGuest(request: BootRequest): Promise<Guest> {
  const { kernel, machine, sources, commandLine, swapBytes, onInterrupt } = request;
  const dir = mkdtempSync(join(tmpdir(), 'gmemlab-lab-'));
  let qemu: ChildProcess | null = null;
  const server = createServer();
  const stop = (): void => {
    forget();
    server.close();
    qemu?.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true });
  };
  const forget = onInterrupt(stop);
  const consoleFile = join(dir, 'console.txt');
  const readConsole = (): string =>
    existsSync(consoleFile) ? readFileSync(consoleFile, 'utf8').replaceAll('\r', '') : '';
  try {
    const socketFile = join(dir, 'link');
    const connection = new Promise<Socket>((resolve, reject) => {
      server.once('error', reject);
      server.once('connection', resolve);
    });
    await new Promise<void>((resolve) => server.listen(socketFile, resolve));
    const swap = join(dir, 'swap.img');
    if (swapBytes > 0) {
      writeFileSync(swap, '');
      truncateSync(swap, swapBytes);
    }
    const initramfs = makeInitramfs(dir, { sources, kernel, hasSwap: swapBytes > 0 });
    qemu = spawn(
      'qemu-system-x86_64',
      [
        ...machineArguments(machine),
        '-kernel',
        kernel.image,
        '-initrd',
        initramfs,
        '-append',
        `${COMMAND_LINE} ${commandLine}`.trim(),
        '-serial',
        `file:${consoleFile}`,
        '-chardev',
        `socket,id=link,path=${socketFile}`,
        '-device',
        'virtio-serial-pci',
        '-device',
        'virtserialport,chardev=link,name=gmemlab',
        ...(swapBytes > 0 ? ['-drive', `if=virtio,format=raw,file=${swap}`] : []),
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const ended = endOf(qemu);
    const early = ended.then((words) => Promise.reject(new GuestLost(words)));
    const link = new GuestLink(await Promise.race([connection, early]), ended);
    await within(BOOT_LIMIT_MS, link.next());
    return { kernel, machine, link, stop, console: readConsole };
  } catch (error) {
    const text = readConsole();
    stop();
    if (!(error instanceof GuestLost)) throw error;
    const last = text.trimEnd().split('\n').at(-1);
    const words = last ? `, its console ends in "${last}"` : '';
    throw new BootError(`${kernel.release} did not start: ${error.message}${words}`, text);
  }
}

/** Characters of QEMU's complaints that are kept: it warns of every CPU first. */
const MOST_WORDS = 65_536;

/** Words for how QEMU ended. */
async function endOf(qemu: ChildProcess): Promise<string> {
  let complaint = '';
  qemu.stderr?.on('data', (bytes: Buffer) => {
    complaint = (complaint + bytes.toString('utf8')).slice(0, MOST_WORDS);
  });
  return new Promise((resolve) => {
    qemu.once('error', (error) => resolve(`QEMU can not be started: ${error.message}`));
    qemu.once('close', (code, signal) => {
      const words = complaint
        .split('\n')
        .filter((line) => line !== '' && !line.includes('warning:'))
        .join('; ');
      resolve(`QEMU ended (${signal ?? `status ${code}`})${words === '' ? '' : `: ${words}`}`);
    });
  });
}

/** Gives up waiting after a while. */
async function within<T>(ms: number, wanted: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new GuestLost(`no sign of life within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([wanted, late]);
  } finally {
    clearTimeout(timer);
  }
}
