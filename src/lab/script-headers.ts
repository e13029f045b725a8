import { parseSize } from '../units/pages.ts';

/** What a script's own comments ask of the guest: `#cmdline: WORDS`, `#swap: SIZE`. */
export interface ScriptHeaders {
  /** Words for the kernel's command line. */
  commandLine: string;
  /** Bytes of an empty disk, /dev/vda in the guest; 0 for none. */
  swapBytes: number;
  /** Files of transparent huge pages to set before the first step: `rig.thp=`, `rig.shmem=` on the command line. */
  thp: Readonly<Record<string, string>>;
}

const THP_FILES: Readonly<Record<string, string>> = { thp: 'enabled', shmem: 'shmem_enabled' };

/** Reads a script's headers; a problem when one cannot be read or needs what the lab does not do. */
export function scriptHeaders(script: string): ScriptHeaders | { problem: string } {
  const headers = new Map(
    [...script.matchAll(/^#(cmdline|swap|qemu): *(.*?) *$/gm)].map((match) => [match[1]!, match[2]!]),
  );
  if (headers.has('qemu')) return { problem: '#qemu: the lab chooses the arguments of QEMU itself' };
  const swap = headers.get('swap');
  const swapBytes = swap === undefined ? 0 : parseSize(swap);
  if (swapBytes === undefined) return { problem: `#swap: "${swap}" is no size, as in 1G` };
  const commandLine = headers.get('cmdline') ?? '';
  const thp = [...commandLine.matchAll(/(?:^| )rig\.(thp|shmem)=(\S+)/g)].map((match): [string, string] => [
    THP_FILES[match[1]!]!,
    match[2]!,
  ]);
  return { commandLine, swapBytes, thp: Object.fromEntries(thp) };
}
