import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { chooseKernel, findKernels, type LabKernel } from './find-kernels.ts';

/** A program that the lab starts or copies into its guest. */
export interface LabTool {
  name: string;
  /** What it is for. */
  use: string;
  /** Debian package that has it. */
  debianPackage: string;
}

/** Everything that the lab needs from the machine that it runs on. */
export const LAB_TOOLS: readonly LabTool[] = [
  { name: 'qemu-system-x86_64', use: 'boots kernels for captures', debianPackage: 'qemu-system-x86' },
  { name: 'gcc', use: 'builds the agent of the guest', debianPackage: 'gcc' },
  { name: 'busybox', use: "is the guest's shell", debianPackage: 'busybox-static' },
  { name: 'cpio', use: "packs the guest's files", debianPackage: 'cpio' },
  { name: 'xz', use: "unpacks the kernel's modules", debianPackage: 'xz-utils' },
  { name: 'numactl', use: 'is run in the guest, with numastat', debianPackage: 'numactl' },
];

/** Kernel profiles, each with the packages of a distribution kernel that can be had for it, and the suite that has them. */
const PACKAGES: Readonly<Record<string, { names: string; suite: string }>> = {
  '6.12': { names: 'linux-image-6.12.107+deb12-amd64-unsigned', suite: 'bookworm-backports' },
  '6.18': { names: 'linux-image-6.18.15+deb13-amd64', suite: 'trixie-backports' },
  '7.3': {
    names: 'linux-binary-7.3.4+deb13-amd64 linux-modules-7.3.4+deb13-amd64',
    suite: 'trixie-backports',
  },
};

/** The path of a program; null when there is none of that name. */
export function findTool(name: string): string | null {
  const dirs = (process.env['PATH'] ?? '').split(delimiter);
  return dirs.map((dir) => join(dir, name)).find((path) => existsSync(path)) ?? null;
}

/** Where the user's own kernels are kept. */
export const kernelCache = (): string => join(cacheRoot(), 'kernels');

/** Where gmemlab keeps what it can make again. */
export const cacheRoot = (): string =>
  join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'gmemlab');

/** All kernels that the lab can boot: of the given directory, of GMEMLAB_KERNELS, of the user's cache, of the machine. */
export function labKernels(given: string | undefined): LabKernel[] {
  const own = [given, process.env['GMEMLAB_KERNELS']].filter((dir) => dir !== undefined && dir !== '');
  return findKernels([...(own as string[]), kernelCache(), '/']);
}

/** Profiles without a kernel, each with the commands that get one on Debian. */
export function missingKernels(kernels: readonly LabKernel[]): { profile: string; get: string }[] {
  return Object.entries(PACKAGES)
    .filter(([profile]) => !kernels.some(({ release }) => release.startsWith(`${profile}.`)))
    .map(([profile, { names, suite }]) => {
      const dir = join(kernelCache(), profile);
      const get = `mkdir -p ${dir} && cd ${dir} && apt-get download ${names} && for deb in *.deb; do dpkg-deb -x "$deb" .; done`;
      return { profile, get: `${get} (suite ${suite})` };
    });
}

/**
 * Words for everything that is missing to boot a kernel; empty when the lab can start. `wanted` is a profile, a release or a path; undefined
 * takes any kernel.
 */
export function missingForLab(kernels: readonly LabKernel[], wanted: string | undefined): string[] {
  const tools = LAB_TOOLS.filter(({ name }) => findTool(name) === null).map(
    ({ name, use, debianPackage }) => `${name} is missing (it ${use}): apt-get install ${debianPackage}`,
  );
  const chosen = wanted === undefined ? kernels[0] : chooseKernel(kernels, wanted);
  if (chosen && !('problem' in chosen)) return tools;
  const all = missingKernels(kernels);
  const some = all.filter(({ profile }) => wanted?.startsWith(profile));
  return [
    ...tools,
    chosen ? chosen.problem : 'there is no kernel to boot',
    ...(some.length > 0 ? some : all).map(({ profile, get }) => `kernel ${profile}: ${get}`),
  ];
}
