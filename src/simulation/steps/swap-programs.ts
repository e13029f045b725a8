import { done, type Outcome } from '../outcome.ts';
import type { World } from '../world.ts';
import { PAGE_SIZE } from '../../units/pages.ts';

/** What `mkswap` and `swapon` exit with where they fail. */
const FAILED = 255;
const PROGRAMS: ReadonlySet<string> = new Set(['mkswap', 'swapon']);

/** The program that a command line starts; busybox is told which of its programs to be. */
function programOf(argv: readonly string[]): { name: string; device: string } {
  const [first = '', ...rest] = argv;
  const words = /(^|\/)busybox$/.test(first) ? rest : argv;
  return { name: words[0]?.replace(/^.*\//, '') ?? '', device: words[words.length - 1] ?? '' };
}

/** `mkswap DEVICE` and `swapon DEVICE`, also as programs of busybox. */
export function isSwapProgram(argv: readonly string[]): boolean {
  const { name, device } = programOf(argv);
  return PROGRAMS.has(name) && device.startsWith('/dev/');
}

/** Prepares or activates the machine's swap device; the exit status is what the step returns. */
export function runSwapProgram(world: World, argv: readonly string[]): Outcome {
  const { swap } = world.scenario.machine;
  if (!swap) return done(FAILED);
  if (programOf(argv).name === 'mkswap') return done(world.kernel.swap.totalPages > 0 ? FAILED : 0);
  if (world.kernel.swap.totalPages > 0) return done(FAILED);
  activateSwap(world);
  return done();
}

/** swapon(2): the first page of the device holds the header. */
export function activateSwap(world: World): void {
  const bytes = world.scenario.machine.swap?.bytes ?? 0;
  const pages = Math.floor(bytes / PAGE_SIZE) - 1;
  if (pages > 0) world.kernel.swap.activate(pages);
}
