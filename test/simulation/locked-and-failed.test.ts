import { describe, expect, it } from 'vitest';
import { play } from './play.ts';

describe('mlock', () => {
  it('marks pages that come into a locked VMA later, too', () => {
    const run = play(
      'page-cache',
      `
memfd create m 1M
memfd map m shared
touch m 0 512K write
mlock m 0 1M
memfd punch m 0 256K
snapshot punched
touch m 0 1M write
snapshot again
munlock m 0 1M
snapshot unlocked
`,
    );
    const mlocked = ['punched', 'again', 'unlocked'].map((label) => run.counter(label, 'nr_mlock'));
    expect(mlocked).toEqual([192, 256, 0]);
    expect(run.counter('again', 'nr_unevictable')).toBe(256);
    expect(run.counter('unlocked', 'nr_unevictable')).toBe(0);
  });
});

describe('fallocate of a memfd', () => {
  it('takes back what it added when memory ends, and leaves what was there', () => {
    const run = play(
      'page-cache',
      `
memfd create m 64G
memfd fallocate m 0 1M
oomadj -1000
memfd fallocate m 0 64G
snapshot failed
`,
    );
    expect(run.errno('memfd fallocate m 0 64G')).toBe('ENOMEM');
    expect(run.pagesOf('failed', 'm')).toBe(256);
  });
});
