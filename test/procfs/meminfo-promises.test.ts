import { expect, it } from 'vitest';
import { parseMeminfo, renderMeminfo } from '../../src/procfs/meminfo.ts';

it('promises below zero are printed as the unsigned long that they are', () => {
  const text = renderMeminfo(
    new Map([
      ['HugePages_Free', 32],
      ['HugePages_Rsvd', -8],
    ]),
  );
  expect(text).toBe('HugePages_Free:       32\nHugePages_Rsvd:    18446744073709551608\n');
  expect(parseMeminfo(text).get('HugePages_Rsvd')).toBe(-8);
});
