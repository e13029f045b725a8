import fc from 'fast-check';
import type { AttributionRow } from '../../src/analysis/types.ts';

const name: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom('page-cache', 'a', 'a~2', '#a', '\\', '\t', 'x\ny', '\r\n', '"', ',', ''),
  fc.string({ unit: 'binary', maxLength: 6 }),
);
const kb: fc.Arbitrary<number> = fc.nat({ max: Number.MAX_SAFE_INTEGER });

/** Any row, with names that text formats find hard. */
export const arbitraryRow: fc.Arbitrary<AttributionRow> = fc.record({
  strategy: name,
  snapshot: name,
  step: fc.nat({ max: 20 }),
  interface: name,
  subject: name,
  node: fc.option(fc.nat({ max: 1023 })),
  truthKb: kb,
  reportedKb: fc.option(kb),
  errorKb: fc.option(fc.integer()),
  fieldClass: fc.constantFrom('accounting', 'stat'),
  label: fc.constantFrom('verified', 'derived', 'hypothetical'),
});
