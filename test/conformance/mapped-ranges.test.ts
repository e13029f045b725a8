import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordedStep } from '../../src/conformance/capture.ts';
import { isMappedByStep, mappingsAfter } from '../../src/conformance/mapped-ranges.ts';
import type { Step, StepArgs, Verb } from '../../src/scenario/types.ts';

const MIB = 2 ** 20;

/** Steps with their recorded results, built in order. */
class Script {
  readonly steps: Step[] = [];
  readonly recorded: RecordedStep[] = [];

  add<V extends Verb>(
    verb: V,
    args: StepArgs[V],
    result: Partial<RecordedStep> = {},
    who: string | null = null,
  ): this {
    const n = this.steps.length + 1;
    this.steps.push({ line: n, column: 1, who, text: verb, expect: null, verb, args } as unknown as Step);
    this.recorded.push({ n, who: who ?? 'w0', step: verb, ret: 0, errno: '', msg: '', ...result });
    return this;
  }

  map(name: string, mib: number, at: number, who: string | null = null): this {
    const args = { name, bytes: mib * MIB, shared: false, hugetlb: false, noreserve: false, at: null };
    return this.add('anon map', args, { msg: `addr=0x${at.toString(16)}` }, who);
  }

  of(worker: string): { ranges: [number, number][]; peakMib: number; reservedKb: number } {
    const { ranges, peakBytes, reservedPeakBytes } = mappingsAfter(
      this.steps,
      this.recorded,
      this.steps.length,
    ).get(worker)!;
    return {
      ranges: ranges.map(({ start, end }) => [start, end]),
      peakMib: peakBytes / MIB,
      reservedKb: (reservedPeakBytes - peakBytes) / 1024,
    };
  }
}

const unmapAll = (name: string): StepArgs['unmap'] => ({ kind: 'anon', name, range: null });

describe('mapped ranges', () => {
  it('follows maps and unmaps, and what the capturing program reserves for a moment', () => {
    const script = new Script().map('a', 64, 0x4000_0000).map('b', 32, 0x1000_0000);
    expect(script.of('w0')).toEqual({
      ranges: [
        [0x4000_0000, 0x4400_0000],
        [0x1000_0000, 0x1200_0000],
      ],
      peakMib: 96,
      reservedKb: 4096,
    });
    script.add('unmap', unmapAll('a')).map('c', 16, 0x4000_0000);
    expect(script.of('w0')).toMatchObject({ peakMib: 96, reservedKb: 4096 });
  });

  it('counts a reservation whose mapping was refused', () => {
    const script = new Script()
      .add('gmem create', { name: 'g', bytes: 256 * MIB, flags: 0 }, { ret: 5 })
      .add(
        'map',
        { kind: 'gmem', name: 'g', shared: true, readOnly: false, at: null, offset: null, bytes: null },
        { ret: -1, errno: 'ENODEV' },
      );
    expect(script.of('w0')).toEqual({ ranges: [], peakMib: 0, reservedKb: 260 * 1024 });
  });

  it('gives a child what its parent has mapped, and a high-water mark of its own', () => {
    const script = new Script()
      .map('a', 64, 0x4000_0000)
      .add('unmap', unmapAll('a'))
      .map('b', 8, 0x4000_0000);
    script.add('fork', { worker: 'w1' }, { ret: 77 }).add('unmap', unmapAll('b'), {}, 'w1');
    expect(script.of('w1')).toEqual({ ranges: [], peakMib: 8, reservedKb: 0 });
    expect(script.of('w0')).toMatchObject({ ranges: [[0x4000_0000, 0x4080_0000]], peakMib: 64 });
  });

  it('refuses a mapping whose address was not recorded', () => {
    const script = new Script().add(
      'anon map',
      { name: 'a', bytes: MIB, shared: false, hugetlb: false, noreserve: false, at: null },
      { msg: '' },
    );
    expect(() => script.of('w0')).toThrow(/step 1: "anon map" has no addr=/);
  });

  it('agrees with a set of pages', () => {
    const page = fc.nat(40);
    const operation = fc.record({
      isMap: fc.boolean(),
      name: fc.constantFrom('a', 'b'),
      at: page,
      pages: fc.integer({ min: 1, max: 8 }),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 12 }), (operations) => {
        const script = new Script();
        const pages = new Set<number>();
        const objects = new Map<string, number>();
        for (const { isMap, name, at, pages: count } of operations) {
          if (isMap) {
            const args = {
              name,
              bytes: count * 4096,
              shared: false,
              hugetlb: false,
              noreserve: false,
              at: null,
            };
            script.add('anon map', args, { msg: `addr=0x${(at * 4096).toString(16)}` });
            objects.set(name, at);
            for (let i = at; i < at + count; i++) pages.add(i);
          } else if (objects.has(name)) {
            const start = objects.get(name)!;
            script.add('unmap', { kind: 'anon', name, range: { offset: 4096, bytes: count * 4096 } });
            for (let i = start + 1; i < start + 1 + count; i++) pages.delete(i);
          }
        }
        const mappings = mappingsAfter(script.steps, script.recorded, script.steps.length).get('w0');
        for (let i = 0; i < 60; i++) {
          const isMapped = isMappedByStep(mappings, { start: i * 4096, end: (i + 1) * 4096 });
          expect(isMapped, `page ${i}`).toBe(pages.has(i));
        }
      }),
    );
  });
});
