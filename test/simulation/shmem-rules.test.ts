import { describe, expect, it } from 'vitest';
import type { VmaFacts } from '../../src/procfs/facts.ts';
import { play, type Played } from './play.ts';

/** The one mapping of a memfd, or else the part that starts at a page of it. */
const mappingOf = (run: Played, label: string, object: string, page = 0): VmaFacts => {
  const found = run
    .process(label)!
    .vmas.find(({ name, offset }) => name.startsWith(`/memfd:${object} `) && offset === page * 4096);
  if (!found) throw new Error(`page ${page} of ${object} starts no mapping in ${label}`);
  return found;
};

describe('pages of a memfd that were read', () => {
  it.each(['fallocate', 'write'])('become dirty by a %s, and only those of its range', (verb) => {
    const run = play(
      'page-cache',
      `
memfd create m 64p
memfd map m
touch m 0 32p read
snapshot read
memfd ${verb} m 16p 32p
touch m 0 64p read
snapshot changed
`,
    );
    const { dirty, pages } = mappingOf(run, 'read', 'm').numa;
    expect([dirty, pages]).toEqual([0, 32]);
    const after = mappingOf(run, 'changed', 'm');
    expect([after.numa.dirty, after.numa.pages]).toEqual([32, 64]);
    expect([after.smaps.privateDirty, after.smaps.privateClean]).toEqual([32 * 4096, 32 * 4096]);
  });

  it('are dirty as far as a fallocate came that fails', () => {
    const run = play(
      'page-cache',
      `
oomadj -1000
memfd create m 64M
memfd map m
touch m 0 16p read
touch m 8192p 16p read
cgroup create /a
cgroup move w0 /a
cgroup limit /a memory.max 4M
memfd fallocate m 0 64M
snapshot failed
`,
    );
    expect(run.errno('memfd fallocate m 0 64M')).toBe('ENOMEM');
    const { dirty, pages } = mappingOf(run, 'failed', 'm').numa;
    expect([dirty, pages]).toEqual([16, 32]);
  });
});
