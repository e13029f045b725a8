import type { Machine } from '../scenario/types.ts';
import type { Guest } from './boot-guest.ts';
import { LabRun } from './lab-run.ts';

const THP = '/sys/kernel/mm/transparent_hugepage';

/**
 * Gives a booted kernel the settings of a machine: sysctls and transparent huge pages, which a script's headers may set otherwise. A file
 * that is not there or refuses the value is an error: the guest would not be what the scenario describes.
 */
export async function prepareGuest(
  guest: Guest,
  { sysctl, thp }: Machine,
  thpOfScript: Readonly<Record<string, string>>,
): Promise<void> {
  const run = new LabRun(guest);
  const files: [string, string][] = [
    ...Object.entries(sysctl).map(([name, value]): [string, string] => [
      `/proc/sys/${name.replaceAll('.', '/')}`,
      String(value),
    ]),
    ...Object.entries({
      enabled: thp.enabled,
      shmem_enabled: thp.shmem,
      defrag: thp.defrag,
      ...thpOfScript,
    }).map(([file, value]): [string, string] => [`${THP}/${file}`, value]),
  ];
  for (const [path, value] of files) {
    const { ret, errno } = await run.put(path, value);
    if (ret < 0)
      throw new PrepareError(`${guest.kernel.release} does not take ${value} in ${path}: ${errno}`);
  }
}

/** The kernel is not built for what a machine asks of it. */
export class PrepareError extends Error {
  override name = 'PrepareError';
}
