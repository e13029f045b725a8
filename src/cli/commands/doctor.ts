import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { LAB_TOOLS, labKernels, missingKernels } from '../../lab/requirements.ts';
import { columns } from '../columns.ts';
import { EXIT } from '../exit-codes.ts';
import { fileErrorWords } from '../input-error.ts';
import { packageRoot, packageVersion } from '../package-root.ts';

/** One thing that was looked for. */
interface Check {
  what: string;
  /** What was found, or what to do about it. */
  words: string;
  state: 'ok' | 'missing' | 'optional';
}

/** `gmemlab doctor`: says what is there and what is missing on this machine, and how to get it. */
export async function doctorCommand(): Promise<number> {
  const checks = [
    nodeVersion(),
    ...(await Promise.all([fonts(), drawing()])),
    directory(),
    datasets(),
    tool('numastat', 'numactl', 'reads the trees that reports hold'),
    ...LAB_TOOLS.map(({ name, use, debianPackage }) => tool(name, debianPackage, `lab: ${use}`)),
    ...kernelChecks(),
  ];
  const rows = checks.map(({ what, state, words }) => [
    state === 'optional' ? 'not there' : state,
    what,
    words,
  ]);
  process.stdout.write(`gmemlab ${packageVersion()}\n${columns(rows)}`);
  return checks.some(({ state }) => state === 'missing') ? EXIT.noVerdict : EXIT.passed;
}

function nodeVersion(): Check {
  const text = readFileSync(join(packageRoot(), 'package.json'), 'utf8');
  const { engines } = JSON.parse(text) as { engines: { node: string } };
  const wanted = /(\d+)\.(\d+)/.exec(engines.node)!.slice(1).map(Number) as [number, number];
  const have = process.versions.node.split('.').map(Number) as [number, number];
  const isNew = have[0] > wanted[0] || (have[0] === wanted[0] && have[1] >= wanted[1]);
  const words = isNew ? process.versions.node : `${process.versions.node}, needs ${engines.node}: nodejs.org`;
  return { what: 'Node.js', state: isNew ? 'ok' : 'missing', words };
}

async function fonts(): Promise<Check> {
  const what = 'fonts of the charts';
  try {
    const { loadChartFonts } = await import('../../charts/chart-fonts.ts');
    const { files } = await loadChartFonts();
    return { what, state: 'ok', words: `${files.length} weights` };
  } catch (error) {
    return { what, state: 'missing', words: `${messageOf(error)}; npm ci installs them` };
  }
}

async function drawing(): Promise<Check> {
  const what = 'drawing of PNGs (resvg)';
  try {
    const { Resvg } = await import('@resvg/resvg-js');
    const png = new Resvg('<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>').render().asPng();
    return { what, state: 'ok', words: `works (${png.length} bytes)` };
  } catch (error) {
    return {
      what,
      state: 'missing',
      words: `${messageOf(error)}; npm ci without --omit=optional installs it`,
    };
  }
}

function directory(): Check {
  const what = 'current directory';
  try {
    accessSync('.', constants.W_OK);
    return { what, state: 'ok', words: 'can be written to' };
  } catch (error) {
    return { what, state: 'missing', words: `${fileErrorWords(error)}: reports need --out elsewhere` };
  }
}

function datasets(): Check {
  const what = 'captures of real kernels';
  const isThere = existsSync(join(packageRoot(), 'datasets', 'captures'));
  return isThere
    ? { what, state: 'ok', words: 'datasets/captures' }
    : {
        what,
        state: 'optional',
        words: 'only in the repository, not in the npm package; conform needs them',
      };
}

function tool(name: string, debianPackage: string, use: string): Check {
  const dirs = (process.env['PATH'] ?? '').split(delimiter);
  const found = dirs.map((dir) => join(dir, name)).find((path) => existsSync(path));
  if (found !== undefined) return { what: name, state: 'ok', words: found };
  return { what: name, state: 'optional', words: `${use}; Debian: apt-get install ${debianPackage}` };
}

/** Kernels that `lab` can boot, and profiles without one. */
function kernelChecks(): Check[] {
  const kernels = labKernels(undefined);
  return [
    ...kernels.map(({ release, image }): Check => ({ what: `kernel ${release}`, state: 'ok', words: image })),
    ...missingKernels(kernels).map(({ profile, get }): Check => ({
      what: `kernel ${profile}`,
      state: 'optional',
      words: `lab boots it; Debian: ${get}`,
    })),
  ];
}

const messageOf = (error: unknown): string => (error as Error).message.split('\n')[0]!;
