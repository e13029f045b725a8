import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** A bootable kernel with its modules. */
export interface LabKernel {
  /** Kernel release, e.g. `6.12.107+deb12-amd64`. */
  release: string;
  /** File to boot. */
  image: string;
  /** Directory of the modules, e.g. `/lib/modules/6.12.107+deb12-amd64`. */
  modules: string;
}

/** Where the modules of a distribution may lie below the root of its file system. */
const MODULE_ROOTS = ['lib/modules', 'usr/lib/modules'];

/**
 * Kernels below some roots, the newest first. A root is a file system (`/`), an extracted package, or a directory of extracted
 * packages. A kernel's image lies in `boot/vmlinuz-RELEASE` or among its modules, as `vmlinuz`.
 */
export function findKernels(roots: readonly string[]): LabKernel[] {
  const found = new Map<string, LabKernel>();
  for (const root of roots) {
    for (const tree of [root, ...directoriesIn(root)]) {
      for (const kernel of kernelsOf(tree)) if (!found.has(kernel.release)) found.set(kernel.release, kernel);
    }
  }
  return [...found.values()].sort((a, b) => compareReleases(b.release, a.release));
}

function kernelsOf(tree: string): LabKernel[] {
  return MODULE_ROOTS.flatMap((below) =>
    directoriesIn(join(tree, below)).flatMap((modules): LabKernel[] => {
      const release = basename(modules);
      const image = [join(modules, 'vmlinuz'), join(tree, 'boot', `vmlinuz-${release}`)].find(existsSync);
      return image === undefined || !existsSync(join(modules, 'kernel')) ? [] : [{ release, image, modules }];
    }),
  );
}

/** The kernel that a user means: a release or the beginning of one (`6.12`), or the path of an image or of its modules. */
export function chooseKernel(kernels: readonly LabKernel[], wanted: string): LabKernel | { problem: string } {
  if (wanted.includes('/')) return kernelAt(wanted);
  const fits = (release: string): boolean =>
    release === wanted || (release.startsWith(wanted) && !/\d/.test(release[wanted.length] ?? ''));
  const found = kernels.find(({ release }) => fits(release));
  if (found) return found;
  const there = kernels.map(({ release }) => release).join(', ') || 'none';
  return { problem: `no kernel "${wanted}" (found: ${there})` };
}

function kernelAt(path: string): LabKernel | { problem: string } {
  if (!existsSync(path)) return { problem: `${path}: no such file or directory` };
  // An image, the modules of a kernel, or a tree that holds kernels: the tree of the first two lies above.
  const below = statSync(path).isDirectory() ? findKernels([path])[0] : undefined;
  if (below) return below;
  let tree = dirname(path);
  for (let up = 0; up < 4; up++, tree = dirname(tree)) {
    const found = kernelsOf(tree).find(({ image, modules }) => image === path || modules === path);
    if (found) return found;
  }
  return { problem: `${path}: no kernel image with its modules (lib/modules/RELEASE) here` };
}

function directoriesIn(dir: string): string[] {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(dir, name))
    .sort();
}

function compareReleases(a: string, b: string): number {
  const numbers = (text: string): number[] => (text.match(/\d+/g) ?? []).map(Number);
  const [left, right] = [numbers(a), numbers(b)];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : 1;
}
