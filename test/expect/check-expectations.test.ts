import { describe, expect, it } from 'vitest';
import { checkExpectations } from '../../src/expect/check-expectations.ts';
import { parseExpected } from '../../src/expect/expected-value.ts';
import { parseReading } from '../../src/expect/parse-reading.ts';
import { anyNames } from '../../src/expect/reading.ts';
import { LAYOUTS } from '../../src/procfs/layouts.ts';
import { unexpectedFindings } from '../../src/result/unexpected-findings.ts';
import type { ExpectationResult } from '../../src/result/types.ts';
import { play } from '../simulation/play.ts';

const SCRIPT = `
cgroup create /vm
cgroup move w0 /vm
vm create snp
gmem create g 8M
vm slot 0 0 8M none 0 g 0
vm attr 0 8M private
mempolicy bind 1
snapshot base
vm touch 0 8M
gmem map g shared
snapshot full
exit
snapshot gone
`;

/** Checks one expectation of the script under a strategy. */
function check(
  reading: string,
  value: string | number,
  {
    at = 'full',
    since = null,
    strategy = 'page-cache',
  }: { at?: string | null; since?: string | null; strategy?: string } = {},
): ExpectationResult {
  const parsed = parseReading(reading, anyNames(LAYOUTS['6.12']));
  if ('problem' in parsed) throw new Error(parsed.problem);
  const expected = parseExpected(value, parsed.reading.unit);
  if (typeof expected === 'string') throw new Error(expected);
  const [result] = checkExpectations(
    [{ line: 1, column: 1, strategies: null, at, since, reading, value: expected }],
    play(strategy, SCRIPT).run,
    '6.12',
  );
  return result!;
}

describe('an expectation', () => {
  it.each([
    ['object g', '8M'],
    ['object g node 1', '8M'],
    ['object g node 2', 0],
    ['object g guest-mapped', '8M'],
    ['object g charged /vm', '8M'],
    ['object g off-policy', 'none'],
    ['object g user', 'w0'],
    ['object no-such-thing user', 'none'],
    ['process w0 rss', 0],
    ['process w0 numa_maps node 1', 0],
    ['process w0 tracker', 'none'],
    ['process w0 oom_score', 666],
    ['cgroup /vm memory.stat/file', '8M'],
    ['cgroup /vm memory.numa_stat/file node 1', '8M'],
    ['cgroup /vm memory.events/oom_kill', 0],
    ['cgroup /none memory.current', 'none'],
    ['node 1 FilePages', '8M'],
    ['node 1 Unevictable', '8M'],
    ['meminfo Unevictable', '8M'],
    ['largest-user', 'w0'],
    ['finding rss-exceeds-vm-size', 'absent'],
    ['killed w0', 'absent'],
    ['hazard bad-counter', 'absent'],
  ])('is met: %s is %s', (reading, value) => {
    expect(check(reading, value)).toMatchObject({ isMet: true });
  });

  it.each([
    ['object g', '4M', 8 * 2 ** 20],
    ['object g', 'none', 8 * 2 ** 20],
    ['process w0 rss', '8M', 0],
    ['process w0 tracker', 0, null],
    ['object g user', 'other', 'w0'],
    ['finding rss-exceeds-vm-size', 'present', 0],
    ['finding rss-exceeds-vm-size', 1, 0],
  ])('is not met: %s is no %s', (reading, value, actual) => {
    expect(check(reading, value)).toMatchObject({ isMet: false, actual });
  });

  it('may be off by what it says, and not by a byte more', () => {
    expect(check('object g', '8196K +-4K').isMet).toBe(true);
    expect(check('object g', '8196K +-4095').isMet).toBe(false);
    expect(check('object g', '8188K +-1p').isMet).toBe(true);
  });

  it('is a difference where it says since when', () => {
    expect(check('object g', '8M', { since: 'base' }).isMet).toBe(true);
    expect(check('meminfo MemFree', '-8M +-1M', { since: 'base' }).isMet).toBe(true);
    expect(check('object g', 0, { at: 'full', since: 'full' }).isMet).toBe(true);
  });

  it('of a process that died is that there is none, a difference to it, too', () => {
    expect(check('process w0 rss', 'none', { at: 'gone' }).isMet).toBe(true);
    expect(check('process w0 rss', 'none', { at: 'gone', since: 'base' }).isMet).toBe(true);
    expect(check('process w0 rss', 0, { at: 'gone' }).isMet).toBe(false);
  });

  it('is never met in a snapshot that was not taken', () => {
    expect(check('process w0 rss', 'none', { at: 'later' })).toMatchObject({ isMet: false, actual: null });
  });

  it('of a whole run sees steps and operations', () => {
    expect(check('step gmem map g shared', '-ENODEV', { at: null }).isMet).toBe(true);
    expect(check('step gmem map g shared', 0, { at: null })).toMatchObject({
      isMet: false,
      actual: '-ENODEV',
    });
    const updates = check('operations RSS counter update', 4096, { at: null, strategy: 'tdp-fault' });
    expect(updates.isMet).toBe(true);
  });
});

describe('a finding that a scenario expects', () => {
  const bad = 'tdp-fault{uncharge=false}';

  it('does not speak against the run, one that it does not expect does', () => {
    const { findings } = play(bad, SCRIPT).run;
    expect(findings.map(({ id }) => id)).toContain('rss-balanced-at-exit');
    expect(check('hazard bad-counter', 'present', { at: null, strategy: bad }).isMet).toBe(true);
    const shown = check('finding rss-balanced-at-exit', 'present', { at: null, strategy: bad });
    const denied = check('finding rss-balanced-at-exit', 'absent', { at: null, strategy: bad });
    const unexpected = (expectations: ExpectationResult[]): string[] =>
      unexpectedFindings({ findings, expectations }).map(({ id }) => id);
    expect(unexpected([shown])).toEqual([]);
    expect(unexpected([denied])).toEqual(['rss-balanced-at-exit']);
    expect(unexpected([])).toEqual(['rss-balanced-at-exit']);
  });
});
