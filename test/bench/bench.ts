/** `npm run bench`: figures, not tests. Each measurement runs in a process of its own, one after the other. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CATALOGUE } from '../../strategies/index.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CLI = join(ROOT, 'dist/src/cli/main.js');

interface Measure {
  ms: number;
  faults?: number;
  peakMb: number;
}

function measure(...args: string[]): Measure {
  const script = join(ROOT, 'test/bench/one-measure.ts');
  const text = execFileSync(process.execPath, ['--import', 'tsx', script, ...args], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return JSON.parse(text) as Measure;
}

function wall(file: string, args: readonly string[]): number {
  const start = performance.now();
  execFileSync(file, args, { stdio: 'ignore' });
  return performance.now() - start;
}

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** Pages a second that this machine's kernel needs for fallocate(2) of tmpfs, start of the tool taken off; null without the tool. */
function kernelFallocate(): number | null {
  const file = `/dev/shm/gmemlab-bench-${process.pid}`;
  const gib = 1;
  try {
    const run = (size: string): number => {
      rmSync(file, { force: true });
      return wall('fallocate', ['-l', size, file]);
    };
    const start = median([1, 2, 3].map(() => run('4096')));
    const whole = median([1, 2, 3].map(() => run(`${gib}G`)));
    return (gib * 262_144) / ((whole - start) / 1000);
  } catch (error) {
    console.error(
      `fallocate of tmpfs could not be measured: ${error instanceof Error ? error.message : String(error)}`,
    );
    return null;
  } finally {
    rmSync(file, { force: true });
  }
}

function line(what: string, figure: string, goal: string): void {
  console.log(`${what.padEnd(58)} ${figure.padStart(14)}   ${goal}`);
}

const out = mkdtempSync(join(tmpdir(), 'gmemlab-bench-'));
try {
  const small = measure('in-order', '40');
  const large = measure('in-order', String(24 * 1024));
  line('40 GiB guest, eight strategies, simulation only', `${small.ms.toFixed(0)} ms`, 'goal: under 300 ms');
  line('24 TiB guest, the same steps', `${large.ms.toFixed(0)} ms`, `${large.peakMb} MB at most`);
  line(
    '24 TiB against 40 GiB',
    `${(large.ms / small.ms).toFixed(2)} times`,
    'goal: at most 1.3 times, under 1 GiB',
  );
  const start = wall(process.execPath, [CLI, 'run', 'talk-snp-40g', '--out', join(out, 'report')]);
  line('what npm start does, charts included', `${(start / 1000).toFixed(2)} s`, 'goal: under 4 s');
  const help = median([1, 2, 3, 4, 5].map(() => wall(process.execPath, [CLI, '--help'])));
  line('--help', `${help.toFixed(0)} ms`, 'goal: under 350 ms');
  const kernel = kernelFallocate();
  if (kernel !== null)
    line('this kernel, fallocate of tmpfs', `${(kernel / 1e6).toFixed(2)} M pages/s`, 'for comparison');
  for (const { name } of CATALOGUE.presets) {
    const { ms, faults = 0 } = measure('random-faults', name);
    const rate = faults / (ms / 1000);
    const ratio = kernel === null ? '' : `; ${(rate / kernel).toFixed(2)} times this kernel's fallocate`;
    line(
      `random 4 KiB guest faults over 40 GiB, ${name}`,
      `${(rate / 1e6).toFixed(2)} M/s`,
      `goal: 2 M/s${ratio}`,
    );
  }
} finally {
  rmSync(out, { recursive: true, force: true });
}
