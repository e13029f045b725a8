import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { LabKernel } from './find-kernels.ts';

/** A module, ready to be loaded. */
export interface KernelModule {
  name: string;
  bytes: Buffer;
}

/** How modules are packed, by the end of their names. */
const UNPACK: Readonly<Record<string, (file: string) => Buffer>> = {
  '.ko': (file) => readFileSync(file),
  '.ko.gz': (file) => gunzipSync(readFileSync(file)),
  '.ko.xz': (file) => execFileSync('xz', ['-dc', file], { maxBuffer: 2 ** 28 }),
  '.ko.zst': (file) => execFileSync('zstd', ['-dc', file], { maxBuffer: 2 ** 28 }),
};

/**
 * Modules of a kernel with all that they depend on, in the order of loading. What is no module is taken to be built in: `modules.dep`
 * is only made when a kernel is installed, so that each module's own word (`depends=`) counts.
 */
export function modulesFor(kernel: LabKernel, wanted: readonly string[]): KernelModule[] {
  const files = moduleFiles(join(kernel.modules, 'kernel'));
  const loaded = new Map<string, KernelModule>();
  const load = (name: string): void => {
    const file = files.get(name);
    if (loaded.has(name) || file === undefined) return;
    const bytes = unpack(file);
    for (const needed of dependsOf(bytes)) load(needed);
    loaded.set(name, { name, bytes });
  };
  for (const name of wanted) load(name);
  return [...loaded.values()];
}

/** Files of modules by name, with `_` for `-`, as the kernel itself names them. */
function moduleFiles(root: string): Map<string, string> {
  return new Map(
    readdirSync(root, { recursive: true, encoding: 'utf8' }).flatMap((path): [string, string][] => {
      const match = /^(.+?)\.ko(?:\.(?:gz|xz|zst))?$/.exec(basename(path));
      return match ? [[match[1]!.replaceAll('-', '_'), join(root, path)]] : [];
    }),
  );
}

function unpack(file: string): Buffer {
  const ending = /\.ko(?:\.\w+)?$/.exec(file)![0];
  return UNPACK[ending]!(file);
}

/** Names behind `depends=` in a module's .modinfo section, whose entries end in NUL. */
function dependsOf(bytes: Buffer): string[] {
  const start = bytes.indexOf('\0depends=') + '\0depends='.length;
  const names = start < '\0depends='.length ? '' : bytes.toString('latin1', start, bytes.indexOf(0, start));
  return names.split(',').flatMap((name) => (name === '' ? [] : [name.replaceAll('-', '_')]));
}
