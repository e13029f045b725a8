import { describe, expect, it } from 'vitest';
import { GiB, Lab, MiB, pages, step } from '../simulation/lab.ts';

const whole = { readOnly: false, at: null, offset: null, bytes: null };

describe('KVM_CREATE_GUEST_MEMFD', () => {
  const create = (
    kernel: '6.12' | '6.18' | '7.3',
    type: 'default' | 'swprot' | 'snp',
    bytes: number,
    flags: number,
  ): string => {
    const lab = new Lab({ kernel });
    lab.do('vm create', { type });
    return lab.do('gmem create', { name: 'g', bytes, flags });
  };

  it.each([0, -4096, 1, 4095, 4097])('refuses %i bytes', (bytes) => {
    expect(create('6.12', 'snp', bytes, 0)).toBe('EINVAL');
  });

  it('takes any whole number of pages', () => {
    expect(create('6.12', 'snp', 4096, 0)).toBe('0');
    expect(create('6.12', 'snp', 40 * 1024 * GiB, 0)).toBe('0');
  });

  it('knows no flags on 6.12', () => {
    expect([1, 2, 3].map((flags) => create('6.12', 'default', MiB, flags))).toEqual([
      'EINVAL',
      'EINVAL',
      'EINVAL',
    ]);
  });

  it.each(['6.18', '7.3'] as const)(
    'knows MMAP, and INIT_SHARED where the VM has no private memory, on %s',
    (kernel) => {
      expect([0, 1, 2, 3, 4].map((flags) => create(kernel, 'default', MiB, flags))).toEqual([
        '0',
        '0',
        '0',
        '0',
        'EINVAL',
      ]);
      expect([0, 1, 2, 3, 4].map((flags) => create(kernel, 'snp', MiB, flags))).toEqual([
        '0',
        '0',
        'EINVAL',
        'EINVAL',
        'EINVAL',
      ]);
      expect(create(kernel, 'swprot', MiB, 3)).toBe('EINVAL');
    },
  );

  it('is not gated by the type of the VM', () => {
    expect(create('6.12', 'default', MiB, 0)).toBe('0');
  });
});

/** A VM of a default type with one gmem of 1 MiB. */
function lab(kernel: '6.12' | '6.18' | '7.3' = '6.12', flags = 0): Lab {
  const made = new Lab({ kernel });
  made.do('gmem create', { name: 'g', bytes: MiB, flags });
  return made;
}

describe('calls on a gmem', () => {
  it('that files answer and gmem does not', () => {
    const one = lab();
    const gmem = { kind: 'gmem', name: 'g' } as const;
    expect(one.do('read', { ...gmem, offset: 0 })).toBe('ESPIPE');
    expect(one.do('write file', { ...gmem, offset: 0, bytes: 64 })).toBe('ESPIPE');
    expect(one.do('ftruncate', { ...gmem, bytes: 0 })).toBe('EINVAL');
    expect(one.do('map', { ...gmem, shared: true, ...whole })).toBe('ENODEV');
  });

  it('mmap: needs the flag, and MAP_SHARED', () => {
    const map = (kernel: '6.18' | '7.3', flags: number, shared: boolean): string =>
      lab(kernel, flags).do('map', { kind: 'gmem', name: 'g', shared, ...whole });
    for (const kernel of ['6.18', '7.3'] as const) {
      expect([map(kernel, 0, true), map(kernel, 2, true)]).toEqual(['ENODEV', 'ENODEV']);
      expect([map(kernel, 1, true), map(kernel, 3, true)]).toEqual(['0', '0']);
      expect([map(kernel, 1, false), map(kernel, 3, false)]).toEqual(['EINVAL', 'EINVAL']);
    }
  });

  it('a touch without INIT_SHARED is SIGBUS', () => {
    const one = lab('7.3', 1);
    one.do('map', { kind: 'gmem', name: 'g', shared: true, ...whole });
    const { errno, message } = one.run(
      step('touch', { name: 'g', offset: 0, bytes: 4096, write: false, random: null }),
    );
    expect([errno, message]).toEqual(['ECONNRESET', 'worker died: signal 7 (BUS)']);
    expect(one.world.workers.get('w0')!.process.isAlive).toBe(false);
  });

  it('stat shows the size and never any blocks', () => {
    const one = lab();
    one.do('fallocate', { kind: 'gmem', name: 'g', offset: 0, bytes: MiB });
    const { message } = one.run(step('stat', { kind: 'gmem', name: 'g' }));
    expect(message).toMatch(/st_size=1048576 st_blocks=0 st_blksize=4096/);
  });
});

describe('fallocate and punch', () => {
  it.each([
    ['fallocate', 0, MiB, '0'],
    ['fallocate', MiB - 4096, 4096, '0'],
    ['fallocate', MiB - 4096, 8192, 'EINVAL'],
    ['fallocate', MiB, 4096, 'EINVAL'],
    ['fallocate', 1, 4096, 'EINVAL'],
    ['fallocate', 0, 4095, 'EINVAL'],
    ['fallocate', 0, 0, 'EINVAL'],
    ['fallocate', -4096, 4096, 'EINVAL'],
    ['punch', 0, MiB, '0'],
    ['punch', 2 * MiB, 4096, '0'],
    ['punch', 0, 1024 * GiB, '0'],
    ['punch', 1, 4096, 'EINVAL'],
    ['punch', 0, 4095, 'EINVAL'],
    ['punch', 0, 0, 'EINVAL'],
    ['punch', -4096, 4096, 'EINVAL'],
  ] as const)('%s at %i for %i bytes: %s', (verb, offset, bytes, outcome) => {
    const one = lab();
    expect(one.do(verb, { kind: 'gmem', name: 'g', offset, bytes })).toBe(outcome);
    // What fails has done nothing.
    const [inode] = one.world.kvm.vmOfGmem.keys();
    expect(inode!.cache.size).toBe(verb === 'fallocate' && outcome === '0' ? bytes / 4096 : 0);
  });

  it('of a closed descriptor is EBADF', () => {
    const one = lab();
    one.do('close', { kind: 'gmem', name: 'g' });
    expect(one.do('fallocate', { kind: 'gmem', name: 'g', offset: 0, bytes: 4096 })).toBe('EBADF');
    expect(one.do('close', { kind: 'gmem', name: 'g' })).toBe('EBADF');
  });

  it('keeps the pages that a limit let through, and the second time adds only what is missing', () => {
    const one = lab();
    one.do('cgroup create', { path: '/a' });
    one.do('fork', { worker: 'w1' });
    one.do('cgroup move', { worker: 'w1', path: '/a' });
    one.do('cgroup limit', { path: '/a', file: 'memory.max', value: `${pages(100)}` });
    const [inode] = one.world.kvm.vmOfGmem.keys();
    // Not ENOMEM: the OOM killer of the group takes the one that allocates.
    expect(one.do('fallocate', { kind: 'gmem', name: 'g', offset: 0, bytes: MiB }, 'w1')).toBe('ECONNRESET');
    const there = inode!.cache.size;
    expect(there).toBeGreaterThan(80);
    expect(there).toBeLessThanOrEqual(100);
    const { rootMemcg } = one.world.kernel;
    const own = (): number => [0, 1, 2, 3].reduce((sum, nid) => sum + rootMemcg.own('file', nid), 0);
    expect(one.do('fallocate', { kind: 'gmem', name: 'g', offset: 0, bytes: MiB })).toBe('0');
    expect([inode!.cache.size, own()]).toEqual([256, 256 - there]);
  });
});
