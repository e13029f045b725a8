import { describe, expect, it } from 'vitest';
import { knowsTmpfsOptions, tmpfsMount } from '../../src/kernel/tmpfs-mount.ts';
import { play } from '../simulation/play.ts';

const NODES = [0, 1, 2, 3];
const TOTAL = 1_000_001;
const mounted = (options: string): ReturnType<typeof tmpfsMount> => tmpfsMount(options, TOTAL, NODES);

describe('options of a tmpfs', () => {
  it('may be left out: it has half of the memory, and no huge pages', () => {
    expect(mounted('')).toEqual({ huge: 'never', maxPages: 500_000, policy: null, files: [] });
  });

  it.each<[string, number | null]>([
    ['size=16M', 4096],
    ['size=5000', 2],
    ['size=25%', 250_001],
    ['size=1%', 10_001],
    ['nr_blocks=300', 300],
    ['size=0', null],
    ['mode=1777,uid=0,gid=0,size=4k', 1],
  ])('set its size: %s', (options, maxPages) => {
    expect(mounted(options)).toMatchObject({ maxPages });
  });

  it.each([
    ['mpol=bind:1,3', { mode: 'bind', flags: [], nodes: [1, 3] }],
    ['huge=always,mpol=interleave', { mode: 'interleave', flags: [], nodes: NODES }],
    ['mpol=prefer=static:2,size=4k', { mode: 'preferred', flags: ['static'], nodes: [2] }],
    ['mpol=local', { mode: 'local', flags: [], nodes: [] }],
    ['mpol=default', null],
  ])('set the policy of its files, with commas between nodes: %s', (options, policy) => {
    expect(mounted(options)).toMatchObject({ policy });
  });

  it.each([
    'size=much',
    'size=-1',
    'huge=often',
    'mpol=bind',
    'mpol=prefer:1,2',
    'mpol=local:1',
    'mpol=bind:4',
  ])('are EINVAL where the kernel says so: %s', (options) => {
    expect(mounted(options)).toBe('EINVAL');
  });

  it('that the model does not know are told apart', () => {
    expect(['', 'size=1M,huge=always', 'noswap', 'nr_inodes=9', 'size'].map(knowsTmpfsOptions)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});

// Seen on 6.12, 6.18 and 7.3.
describe('files of a tmpfs that a script mounted', () => {
  it('have no page beyond its size together, nor a huge page that does not fit as a whole', () => {
    const run = play(
      'page-cache',
      `
mount tmpfs /t size=5M,huge=always
file create f 8M /t/f
file fallocate f 0 4M
file create g 4M /t/g
file map g
touch g 0 1M write
snapshot full
touch g 1M 4K write
file fallocate f 4M 1M
snapshot beyond
`,
      { kernel: '7.3' },
    );
    expect(run.counter('full', 'nr_shmem')).toBe(1280);
    expect(run.counter('full', 'nr_shmem_hugepages')).toBe(1024);
    expect(run.step('touch g 1M 4K write').message).toContain('signal 7');
    expect(run.process('beyond')).toBeUndefined();
  });

  it('take the policy of the mount, until mbind gives them another', () => {
    const run = play(
      'page-cache',
      `
mount tmpfs /t mpol=interleave:1-3
file create f 6M /t/f
file map f
mbind f 0 3M bind 0
touch f 0 6M write
snapshot s
mount tmpfs /u size=1M
file create g 2M /u/g
file fallocate g 0 2M
file fallocate g 0 1M
`,
      { kernel: '6.12' },
    );
    expect(run.process('s')!.vmas.map(({ policy, numa }) => [policy, numa.nodes])).toEqual([
      ['bind:0', [768, 0, 0, 0]],
      ['interleave:1-3', [0, 256, 256, 256]],
    ]);
    expect(['file fallocate g 0 2M', 'file fallocate g 0 1M'].map((step) => run.step(step).errno)).toEqual([
      'ENOSPC',
      '',
    ]);
  });
});
