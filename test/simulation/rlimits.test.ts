import { describe, expect, it } from 'vitest';
import { Lab, MiB, pages, step } from './lab.ts';

const anon = (name: string, bytes: number, shared = false): Parameters<typeof step<'anon map'>>[1] => ({
  name,
  bytes,
  shared,
  hugetlb: false,
  noreserve: false,
  at: null,
});

describe('resource limits', () => {
  it('of the address space and of locked memory meet a plain user, who cannot raise them', () => {
    const lab = new Lab();
    lab.do('gmem create', { name: 'g', bytes: 200 * MiB, flags: 0 });
    lab.do('rlimit', { resource: 'as', bytes: 96 * MiB });
    lab.do('rlimit', { resource: 'memlock', bytes: MiB });
    lab.do('rlimit', { resource: 'rss', bytes: MiB });
    lab.do('anon map', anon('n', 16 * MiB));
    // Root may lock what it likes.
    expect(lab.do('mlock', { name: 'n', offset: 0, bytes: 2 * MiB })).toBe('0');
    expect(lab.do('munlock', { name: 'n', offset: 0, bytes: 2 * MiB })).toBe('0');
    lab.do('dropcap', {});
    expect(lab.do('anon map', anon('big', 128 * MiB))).toBe('ENOMEM');
    expect(lab.do('mlock', { name: 'n', offset: 0, bytes: 2 * MiB })).toBe('ENOMEM');
    expect(lab.do('mlock', { name: 'n', offset: 0, bytes: MiB / 2 })).toBe('0');
    expect(lab.do('fallocate', { kind: 'gmem', name: 'g', offset: 0, bytes: 200 * MiB })).toBe('0');
    expect(lab.do('rlimit', { resource: 'as', bytes: 128 * MiB })).toBe('EPERM');
    expect(lab.do('rlimit', { resource: 'as', bytes: 64 * MiB })).toBe('0');
    expect(lab.do('oomadj', { value: 100 })).toBe('EBADF');
  });

  it('of data are asked of what is there, since a mapping replaces a reservation', () => {
    const lab = new Lab();
    lab.do('rlimit', { resource: 'data', bytes: 32 * MiB });
    expect(lab.do('anon map', anon('a', 24 * MiB))).toBe('0');
    expect(lab.do('anon map', anon('b', 24 * MiB))).toBe('0');
    expect(lab.do('anon map', anon('c', MiB))).toBe('ENOMEM');
    expect(lab.do('anon map', anon('d', 24 * MiB, true))).toBe('0');
  });

  it('of file sizes end who grows a file, and mean nothing to a gmem', () => {
    const lab = new Lab();
    lab.do('rlimit', { resource: 'fsize', bytes: MiB });
    lab.do('gmem create', { name: 'g', bytes: 16 * MiB, flags: 0 });
    expect(lab.do('fallocate', { kind: 'gmem', name: 'g', offset: 0, bytes: 16 * MiB })).toBe('0');
    lab.do('memfd create', { name: 'm', bytes: MiB, hugetlb: false, cloexec: false, file: 'm' });
    expect(lab.do('fallocate', { kind: 'memfd', name: 'm', offset: 0, bytes: MiB })).toBe('0');
    const { errno, message } = lab.run(step('ftruncate', { kind: 'memfd', name: 'm', bytes: 2 * MiB }));
    expect([errno, message]).toEqual(['ECONNRESET', 'worker died: signal 25 (XFSZ)']);
    expect(lab.run(step('wait', { worker: 'w0' })).message).toBe('already reaped');
  });

  it('are inherited, and /dev/kvm is root’s', () => {
    const lab = new Lab();
    lab.do('rlimit', { resource: 'as', bytes: 8 * MiB });
    lab.do('dropcap', {});
    lab.do('fork', { worker: 'w1' });
    expect(lab.do('anon map', anon('n', pages(1100)), 'w1')).toBe('ENOMEM');
    expect(lab.do('vm create', { type: 'default' }, 'w1')).toBe('EACCES');
    const { errno, message } = lab.run(step('gmem create', { name: 'g', bytes: MiB, flags: 0 }, 'w1'));
    expect([errno, message]).toEqual(['EACCES', 'vm']);
  });
});

describe('a worker that died', () => {
  it('is noticed at the next step or by wait, once', () => {
    const lab = new Lab();
    for (const worker of ['w1', 'w2']) lab.do('spawn', { worker });
    lab.do('fork', { worker: 'w3' }, 'w1');
    for (const worker of ['w1', 'w2', 'w3']) lab.do('kill', { worker, signal: 9 });
    expect(lab.run(step('noop', {}, 'w1'))).toMatchObject({
      errno: 'ECONNRESET',
      message: 'worker died: signal 9 (KILL)',
    });
    expect(lab.run(step('noop', {}, 'w1'))).toMatchObject({ errno: 'ESRCH' });
    expect(lab.run(step('wait', { worker: 'w2' })).message).toBe('signaled 9');
    expect(lab.run(step('wait', { worker: 'w2' })).message).toBe('already reaped');
    // The controller is not the parent of what a worker forked.
    expect(lab.run(step('noop', {}, 'w3'))).toMatchObject({ errno: 'ECONNRESET', message: 'worker died' });
  });
});
