import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa, type Options } from 'execa';
import { onTestFinished } from 'vitest';

/** The built command. */
export const MAIN: string = fileURLToPath(new URL('../../dist/src/cli/main.js', import.meta.url));
if (!existsSync(MAIN)) throw new Error('the command is not built: npm run build');

/** How a run of the command ended. */
export interface Ended {
  exitCode: number | undefined;
  stdout: string;
  stderr: string;
}

/** Runs the command as a user does, in a directory. */
export async function gmemlab(cwd: string, args: readonly string[], options: Options = {}): Promise<Ended> {
  const { exitCode, stdout, stderr } = await execa(process.execPath, [MAIN, ...args], {
    cwd,
    reject: false,
    stripFinalNewline: false,
    ...options,
  });
  return { exitCode, stdout: String(stdout), stderr: String(stderr) };
}

/** A directory with files that lasts as long as the test. */
export function workspace(files: Readonly<Record<string, string>> = {}): string {
  const dir = mkdtempSync(join(tmpdir(), 'gmemlab-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  return dir;
}

/** A scenario that runs in no time: 4 MiB of private memory on node 1. */
export const TINY = `title: A guest of 4 MiB
machine:
  title: Two nodes
  nodes:
    - { cpus: "0", memory: 256M }
    - { cpus: "1", memory: 256M }
kernel: "7.3"
strategies: [page-cache, "tracker{oom=true}"]
steps: |
  spawn vmm
  vmm: mempolicy bind 1
  vmm: vm create snp
  vmm: gmem create private 4M
  vmm: vm slot 0 0 4M none 0 private 0
  vmm: vm attr 0 4M private
  snapshot before
  vmm: vm touch 0 4M
  snapshot after
`;

/** A user's part, with the body of its `create`. */
export const ownPart = (create: string, id = 'mine'): string => `export default {
  meta: {
    axis: 'accounting',
    id: '${id}',
    title: 'My own',
    summary: 'Gains and costs nothing.',
    origin: 'what-if',
    source: 'a test',
    options: {},
  },
  create(view) { ${create} },
};
`;
