import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { LabKernel } from './find-kernels.ts';
import { modulesFor } from './kernel-modules.ts';
import { cacheRoot, findTool } from './requirements.ts';

/** Where the guest's own sources are: `agent.c` and `init.sh`. */
export type GuestSources = string;

/** Modules that the guest needs where the kernel has them not built in. */
const MODULES = ['virtio_pci', 'virtio_console', 'kvm_amd'];
/** Also needed for a swap disk. */
const DISK_MODULES = ['virtio_blk'];
/** Programs that are copied with their libraries. */
const PROGRAMS = ['numastat', 'numactl', 'migratepages'];
const DIRECTORIES = ['bin', 'proc', 'sys', 'dev', 'tmp', 'etc', 'modules', 'usr/bin'];

/** Builds the agent, or takes the one that was built from the same source. Returns its path. */
export function buildAgent(sources: GuestSources): string {
  const source = join(sources, 'agent.c');
  const hash = createHash('sha256').update(readFileSync(source)).digest('hex').slice(0, 16);
  const file = join(cacheRoot(), `agent-${hash}`);
  if (existsSync(file)) return file;
  mkdirSync(dirname(file), { recursive: true });
  const unfinished = `${file}.${process.pid}`;
  execFileSync('gcc', ['-O1', '-static', '-pthread', '-o', unfinished, source], { stdio: 'pipe' });
  renameSync(unfinished, file);
  return file;
}

/** Packs the guest's files for a kernel into `dir`; returns the archive's path. */
export function makeInitramfs(
  dir: string,
  { sources, kernel, hasSwap }: { sources: GuestSources; kernel: LabKernel; hasSwap: boolean },
): string {
  const root = join(dir, 'root');
  for (const name of DIRECTORIES) mkdirSync(join(root, name), { recursive: true });
  const add = (from: string, to: string): void => {
    mkdirSync(dirname(join(root, to)), { recursive: true });
    copyFileSync(from, join(root, to));
    chmodSync(join(root, to), 0o755);
  };
  add(join(sources, 'init.sh'), 'init');
  add(buildAgent(sources), 'bin/agent');
  add(findTool('busybox')!, 'bin/busybox');
  const programs = PROGRAMS.flatMap((name) => findTool(name) ?? []);
  for (const program of programs) add(program, join('usr/bin', program.split('/').at(-1)!));
  for (const library of librariesOf(programs)) add(library, library);
  modulesFor(kernel, hasSwap ? [...MODULES, ...DISK_MODULES] : MODULES).forEach(({ name, bytes }, at) => {
    writeFileSync(join(root, 'modules', `${String(at + 10)}-${name}.ko`), bytes);
  });
  const archive = join(dir, 'initramfs.cpio');
  const names = execFileSync('find', ['.'], { cwd: root });
  writeFileSync(
    archive,
    execFileSync('cpio', ['-o', '-H', 'newc', '--quiet'], { cwd: root, input: names, maxBuffer: 2 ** 28 }),
  );
  return archive;
}

/** Shared libraries of programs, with the loader. */
function librariesOf(programs: readonly string[]): string[] {
  if (programs.length === 0) return [];
  const text = execFileSync('ldd', [...programs], { encoding: 'utf8' });
  return [...new Set([...text.matchAll(/(\/\S+\.so\S*) \(0x/g)].map((match) => match[1]!))].sort();
}
