import { describe, expect, it } from 'vitest';
import { play } from './play.ts';

describe('how workers end', () => {
  it('lets a parent reap its children once each, with what ended them', () => {
    const played = play(
      'page-cache',
      `fork w1
       fork w2
       w1: exit
       kill w2 10
       reap
       w2: noop = -ECONNRESET
       kill w1 9 = -ESRCH
       kill w2 9`,
    );
    expect(played.step('reap')).toMatchObject({ errno: '', message: 'status=0x0' });
    expect(played.errno('kill w1 9')).toBe('ESRCH');
    // A zombie has its number still.
    expect(played.errno('kill w2 9')).toBe('0');
    const second = play('page-cache', 'fork w2\nkill w2 10\nreap');
    expect(second.step('reap').message).toBe('status=0xa');
    expect(play('page-cache', 'reap').errno('reap')).toBe('ECHILD');
  });

  it('kills by every signal that is neither ignored nor only stops', () => {
    for (const [signal, isDead] of [
      [0, false],
      [1, true],
      [10, true],
      [13, false],
      [15, true],
      [17, false],
      [18, false],
      [19, false],
      [28, false],
      [34, true],
    ] as const) {
      const played = play('page-cache', `spawn w1\nkill w1 ${signal}\nwait w1`);
      expect([signal, played.step('wait w1').message]).toEqual([
        signal,
        isDead ? `signaled ${signal}` : 'still alive after 5 s',
      ]);
    }
    expect(play('page-cache', 'spawn w1\nkill w1 65').errno('kill w1 65')).toBe('EINVAL');
  });

  it('gives up a worker that is no child of the controller when it waits for it', () => {
    const played = play('page-cache', 'fork w1\nwait w1\nw1: noop');
    expect(played.step('wait w1')).toMatchObject({ errno: 'ECHILD', message: 'exited 0' });
    expect(played.errno('w1: noop')).toBe('ESRCH');
  });

  it('has init reap the children of the dead: they have no number to be moved by', () => {
    const played = play(
      'page-cache',
      'cgroup create /x\nfork w1\nw1: fork w2\nw1: exit\nkill w2\ncgroup move w2 /x\nmigratepages w2 0 1',
    );
    expect(played.errno('cgroup move w2 /x')).toBe('ESRCH');
    expect(played.errno('migratepages w2 0 1')).toBe('ESRCH');
  });
});
