import { describe, expect, it } from 'vitest';
import { MiB } from './lab.ts';
import { play, type Played } from './play.ts';

const PAGES = MiB / 4096;

/** Two backends of a guest, wanted on nodes 0 and 1; memory is fetched ahead by a thread on CPU 3. `wish` states what the VMM asks for. */
const backends = (wish: string, fetch = PREFETCH): string => `
vm create snp
memfd create rama 8M
memfd create ramb 8M
memfd map rama shared
memfd map ramb shared
${wish.includes('mbind') ? wish : ''}
gmem create a 8M
gmem create b 8M
vm slot 0 0 8M rama 0 a 0
vm slot 1 8M 8M ramb 0 b 0
vm attr 0 16M private
${wish.includes('policy') ? wish : ''}
affinity 3
${fetch}
snapshot full
`;

const PREFETCH = 'gmem fallocate a 0 8M\ngmem fallocate b 0 8M';
const GUEST = 'vm touch 0 16M';
const VCPU = 'vm vcpu 0 2 default\nvm touch 0 16M vcpu=0';
const WISH = 'gmem policy a 0 8M bind 0\ngmem policy b 0 8M bind 1';
const MBIND = 'mbind rama 0 8M bind 0\nmbind ramb 0 8M bind 1';

/** Node of the pages of each backend; null where they are on several. */
function placed(run: Played): (number | null)[] {
  return ['a', 'b'].map((name) => {
    const nodes = run.nodesOf('full', name);
    return nodes.includes(8 * PAGES) ? nodes.indexOf(8 * PAGES) : null;
  });
}

describe('two backends wanted on nodes 0 and 1', () => {
  it('by a wish, under upstream on 7.3, whoever fetches', () => {
    for (const fetch of [PREFETCH, GUEST]) {
      const run = play('upstream', backends(WISH, fetch), { kernel: '7.3' });
      expect(run.errno('gmem policy a 0 8M bind 0')).toBe('0');
      expect(placed(run)).toEqual([0, 1]);
      expect(['a', 'b'].map((name) => run.holding('full', name)!.offPolicyPages)).toEqual([0, 0]);
    }
  });

  it.each([
    ['page-cache', [3, 3]],
    ['fbind', [3, 3]],
    ['upstream', [3, 3]],
    ['mempolicy-dup', [0, 1]],
  ] as const)('by mbind on the shared pool, under %s: nodes %j', (strategy, nodes) => {
    for (const fetch of [PREFETCH, GUEST])
      expect(placed(play(strategy, backends(MBIND, fetch)))).toEqual(nodes);
  });

  it('a guest fault takes the node of the vCPU thread, not of the main thread', () => {
    expect(placed(play('page-cache', backends('', VCPU)))).toEqual([2, 2]);
    expect(placed(play('page-cache', backends('', `${PREFETCH}\n${VCPU}`)))).toEqual([3, 3]);
  });

  it('mempolicy-dup grants a wish that the shared pool has already', () => {
    const run = play('mempolicy-dup', backends(`${MBIND}\n${WISH}`.replace('gmem policy a', '#')));
    expect(placed(run)).toEqual([0, 1]);
    const granted = play('mempolicy-dup', `${backends(MBIND)}${WISH}\n`);
    expect([granted.errno('gmem policy a 0 8M bind 0'), granted.errno('gmem policy b 0 8M bind 1')]).toEqual([
      '0',
      '0',
    ]);
    const refused = play('mempolicy-dup', `${backends(MBIND)}gmem policy a 0 8M bind 1\n`);
    expect(refused.errno('gmem policy a 0 8M bind 1')).toBe('EOPNOTSUPP');
  });
});

describe('mbind on a mapped gmem', () => {
  const script = (flags: number): string => `
gmem create g 8M flags=${flags}
gmem map g shared
affinity 3
mbind g 0 8M bind 1
gmem fallocate g 0 4M
snapshot half
gmem unmap g
gmem punch g 0 4M
gmem fallocate g 0 8M
snapshot full
`;

  it('6.18: returns 0, is shown by numa_maps and places nothing', () => {
    const run = play('upstream', script(1), { kernel: '6.18' });
    expect(run.errno('mbind g 0 8M bind 1')).toBe('0');
    expect(run.process('half')!.vmas.map(({ policy }) => policy)).toEqual(['bind:1']);
    expect([run.nodesOf('half', 'g'), run.nodesOf('full', 'g')]).toEqual([
      [0, 0, 0, 4 * PAGES],
      [0, 0, 0, 8 * PAGES],
    ]);
  });

  it('7.3: the inode keeps it, also after munmap', () => {
    const run = play('upstream', script(1), { kernel: '7.3' });
    expect([run.nodesOf('half', 'g'), run.nodesOf('full', 'g')]).toEqual([
      [0, 4 * PAGES, 0, 0],
      [0, 8 * PAGES, 0, 0],
    ]);
  });

  it('7.3: ranges have policies of their own; interleaving goes by the thread', () => {
    const split = `
gmem create g 8M flags=1
gmem map g shared
affinity 3
mbind g 0 4M bind 0
mbind g 4M 2M interleave 1,2
gmem fallocate g 0 8M
snapshot full
`;
    const [a, b, c, d] = play('page-cache', split, { kernel: '7.3' }).nodesOf('full', 'g');
    expect([a, b! + c!, d]).toEqual([4 * PAGES, 2 * PAGES, 2 * PAGES]);
    expect(Math.abs(b! - c!)).toBeLessThanOrEqual(1);
  });

  it('7.3: a guest that touches in any order finds them all', () => {
    const script = `
gmem create g 8M flags=3
gmem map g shared
vm slot 0 0 8M none 0 g 0
affinity 3
mbind g 2M 4M bind 1
vm touch 0 8M random=2048 seed=9
snapshot full
`;
    const run = play('page-cache', script, { kernel: '7.3' });
    expect(run.nodesOf('full', 'g')).toEqual([0, 4 * PAGES, 0, 4 * PAGES]);
  });
});

describe('mbind on a memfd', () => {
  it('stays in the inode: another process on another node gets it', () => {
    const run = play(
      'page-cache',
      `
memfd create m 8M
memfd map m shared
mbind m 0 4M bind 1
touch m 0 8M write
memfd unmap m
memfd punch m 0 8M
fork other
other: affinity 3
other: memfd map m shared
other: touch m 0 8M write
snapshot full
`,
    );
    expect(run.nodesOf('full', 'm')).toEqual([0, 4 * PAGES, 0, 4 * PAGES]);
  });

  it('interleaves by inode number and index, page for page, however it is touched', () => {
    const script = (touch: string): string => `
memfd create first 4K
memfd create m 3M
memfd map m shared
mempolicy interleave 0,1,3
${touch}
snapshot full
`;
    const whole = play('page-cache', script('touch m 0 3M write'));
    const random = play('page-cache', script('touch m 0 3M write random=768 seed=5'));
    expect(whole.nodesOf('full', 'm')).toEqual([256, 256, 0, 256]);
    expect(random.nodesOf('full', 'm')).toEqual([256, 256, 0, 256]);
    const one = play('page-cache', script('touch m 4K 4K write'));
    // The second file of the mount: inode 3, index 1.
    expect(one.nodesOf('full', 'm')).toEqual([0, 1, 0, 0]);
  });

  it('leaves a hole in the range as EFAULT, but not for the default policy', () => {
    const holes = `
memfd create m 8M
memfd map m shared
memfd unmap m 2M 2M
mbind m 0 8M bind 1
mbind m 0 8M default
mbind m 2M 2M default
mbind m 1 4K bind 1
mbind m 0 0 bind 1
`;
    const run = play('page-cache', holes);
    expect(run.errno('mbind m 0 8M bind 1')).toBe('EFAULT');
    expect(run.errno('mbind m 0 8M default')).toBe('0');
    expect(run.errno('mbind m 2M 2M default')).toBe('EFAULT');
    expect(run.errno('mbind m 1 4K bind 1')).toBe('EINVAL');
    expect(run.errno('mbind m 0 0 bind 1')).toBe('0');
  });
});

describe('fbind', () => {
  const script = (wish: string): string => `
gmem create g 8M
affinity 3
${wish}
gmem fallocate g 0 8M
snapshot full
`;

  it('binds ranges, or the whole file at once', () => {
    const wish = 'gmem policy g 2M 4M bind 1';
    expect(play('fbind', script(wish)).nodesOf('full', 'g')).toEqual([0, 4 * PAGES, 0, 4 * PAGES]);
    expect(play('fbind{whole-file=true}', script(wish)).nodesOf('full', 'g')).toEqual([0, 8 * PAGES, 0, 0]);
  });
});

describe('mempolicy-dup', () => {
  const script = (order: string): string => `
vm create snp
memfd create ram 8M
memfd map ram shared
gmem create g 8M
affinity 3
${order}
snapshot full
`;
  const SLOT = 'vm slot 0 0 8M ram 0 g 0';

  it('reads the policy when the slot is set, or at each allocation', () => {
    const late = `${SLOT}\nmbind ram 0 8M bind 1\ngmem fallocate g 0 8M`;
    expect(play('mempolicy-dup', script(late)).nodesOf('full', 'g')).toEqual([0, 0, 0, 8 * PAGES]);
    expect(play('mempolicy-dup{sync=fault}', script(late)).nodesOf('full', 'g')).toEqual([
      0,
      8 * PAGES,
      0,
      0,
    ]);
  });

  it('follows a part of the shared pool that has a policy', () => {
    const part = `mbind ram 0 2M bind 1\n${SLOT}\ngmem fallocate g 0 8M`;
    expect(play('mempolicy-dup', script(part)).nodesOf('full', 'g')).toEqual([0, 2 * PAGES, 0, 6 * PAGES]);
  });

  it('also where a part without a policy comes first', () => {
    const part = `mbind ram 2M 2M bind 1\n${SLOT}\ngmem fallocate g 0 8M`;
    expect(play('mempolicy-dup', script(part)).nodesOf('full', 'g')).toEqual([0, 2 * PAGES, 0, 6 * PAGES]);
  });

  it('interleaves by the thread, or by the index of the shared page: then both pools of a frame share its node', () => {
    const both = `mbind ram 0 8M interleave 1,2\n${SLOT}\nvm attr 0 8M private\nmemfd fallocate ram 0 8M\ngmem fallocate g 0 4M\nvm touch 4M 4M`;
    const frames = (strategy: string): number[] => {
      const run = play(strategy, script(`${both}\ntouch ram 0 4K write`));
      const [, b, c] = run.nodesOf('full', 'g');
      return [b!, c!];
    };
    expect(frames('mempolicy-dup{index=pgoff}')).toEqual([4 * PAGES, 4 * PAGES]);
    const [b, c] = frames('mempolicy-dup') as [number, number];
    expect(b + c).toBe(8 * PAGES);
    expect(Math.abs(b - c)).toBeLessThan(8);
  });
});

describe('interleaving for numactl -i 2,3', () => {
  it('splits evenly by arrival, whichever pages come', () => {
    const script = `
mempolicy interleave 2,3
vm create snp
gmem create g 32M
vm slot 0 0 32M none 0 g 0
vm attr 0 32M private
vm touch 0 32M random=5000 seed=3
snapshot part
`;
    const run = play('page-cache', script);
    const [a, b, c, d] = run.nodesOf('part', 'g');
    expect([a, b, c! + d!]).toEqual([0, 0, 5000]);
    expect(Math.abs(c! - d!)).toBeLessThanOrEqual(20);
  });
});
