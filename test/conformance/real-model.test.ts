import { describe, expect, it } from 'vitest';
import { conformCapture, type CaptureResult } from '../../src/conformance/conform-capture.ts';
import type { Capture } from '../../src/conformance/capture.ts';
import type { Scenario } from '../../src/scenario/types.ts';
import { runStrategy } from '../../src/simulation/run-scenario.ts';
import { parseStrategy } from '../../src/strategy/parse-strategy.ts';
import { CATALOGUE } from '../../strategies/index.ts';
import { CAPTURES, captureOf, scenarioOf } from './captures.ts';

function conform(
  capture: Capture,
  strategy: string,
  kernel: Scenario['kernel'] = capture.profile!,
): CaptureResult {
  const parsed = parseStrategy(strategy, CATALOGUE);
  if (!('plan' in parsed)) throw new Error(parsed.problem);
  return conformCapture(capture, scenarioOf(capture), (scenario) =>
    runStrategy({ ...scenario, kernel }, parsed.plan),
  );
}

describe('the model as Linux is', () => {
  it.each(CAPTURES)('conforms with %s', (_, capture) => {
    const result = conform(capture, capture.profile === '6.12' ? 'page-cache' : 'upstream');
    expect(result.offences.slice(0, 5)).toEqual([]);
    expect(result.verdict).toBe('within noise');
  });
});

describe('the model as Linux is not', () => {
  it('tells a design that charges private memory to RSS from Linux', () => {
    const { offences } = conform(captureOf('6.12', 'S01'), 'alloc-charge');
    expect(offences.map(({ where, field }) => `${where} ${field}`)).toContain('proc.w0/status VmRSS');
  });

  it('tells a kernel that places gmem by its own policy from one that does not', () => {
    const capture = captureOf('7.3', 'S03b');
    const { offences } = conform(capture, 'upstream', '6.18');
    expect(offences.map(({ field }) => field)).toContain('FilePages');
  });
});
