import { swapOff } from '../../kernel/swapoff.ts';
import { done, type Outcome } from '../outcome.ts';
import type { World } from '../world.ts';
import { PAGE_SIZE } from '../../units/pages.ts';
import { controllerTask } from './controller-task.ts';

/** What these programs exit with where they fail, those of busybox. */
const FAILED = 1;
const PROGRAMS: ReadonlySet<string> = new Set(['mkswap', 'swapon', 'swapoff']);

/** The program that a command line starts; busybox is told which of its programs to be. */
function programOf(argv: readonly string[]): { name: string; device: string } {
  const [first = '', ...rest] = argv;
  const words = /(^|\/)busybox$/.test(first) ? rest : argv;
  return { name: words[0]?.replace(/^.*\//, '') ?? '', device: words[words.length - 1] ?? '' };
}

/** `mkswap DEVICE`, `swapon DEVICE` and `swapoff DEVICE`, also as programs of busybox. */
export function isSwapProgram(argv: readonly string[]): boolean {
  const { name, device } = programOf(argv);
  return PROGRAMS.has(name) && device.startsWith('/dev/');
}

/** Prepares, activates or gives up the machine's swap device; the exit status is what the step returns. */
export function runSwapProgram(world: World, argv: readonly string[]): Outcome {
  const { swap } = world.scenario.machine;
  if (!swap) return done(FAILED);
  const { name } = programOf(argv);
  if (name === 'swapoff') return done(swapOff(world.kernel, controllerTask(world)) === 0 ? 0 : FAILED);
  if (world.kernel.swap.totalPages > 0) return done(FAILED);
  if (name === 'mkswap') return done();
  activateSwap(world);
  return done();
}

/** swapon(2): the first page of the device holds the header. */
export function activateSwap(world: World): void {
  const bytes = world.scenario.machine.swap?.bytes ?? 0;
  const pages = Math.floor(bytes / PAGE_SIZE) - 1;
  if (pages > 0) world.kernel.swap.activate(pages);
}
