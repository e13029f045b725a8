import { describe, expect, it } from 'vitest';
import { worstExit } from '../../src/cli/exit-codes.ts';
import { resultExit } from '../../src/cli/result-verdict.ts';
import type { Finding } from '../../src/result/types.ts';
import { fixture } from '../charts/fixture.ts';

const withFinding = (kind: Finding['kind']): number => {
  const { result } = fixture();
  const finding: Finding = { kind, id: 'x', message: 'x', step: 1, line: 1 };
  for (const [at, run] of result.strategies.entries()) run.findings = at === 3 ? [finding] : [];
  return resultExit(result);
};

describe('the exit status', () => {
  it('is 1 for a broken law or a step otherwise than stated, not for a risk', () => {
    expect(withFinding('law')).toBe(1);
    expect(withFinding('expectation')).toBe(1);
    expect(withFinding('hazard')).toBe(0);
  });

  it('is 1 when a strategy threw', () => {
    const { result } = fixture({ strategies: ['page-cache', 'fbind'] });
    expect(resultExit(result)).toBe(0);
    result.strategies[1]!.error = { step: 1, line: 1, message: 'boom', part: 'fbind' };
    expect(resultExit(result)).toBe(1);
  });

  it('of several is the worst', () => {
    expect(worstExit([0, 0])).toBe(0);
    expect(worstExit([0, 4])).toBe(4);
    expect(worstExit([4, 1, 0])).toBe(1);
  });
});
