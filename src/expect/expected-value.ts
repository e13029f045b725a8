import { ERRNO_NAMES } from '../units/errno.ts';
import { parseSize } from '../units/pages.ts';
import type { ExpectationUnit } from '../result/types.ts';
import type { ExpectedValue } from './expectation.ts';

/** How values are written, for messages. */
const FORMS: Readonly<Record<ExpectationUnit, string>> = {
  bytes: 'a size such as 40G, 85332K or 12p, with +-2p or +-1% behind it where it may be off, or none',
  count: 'a number, with +-3 or +-1% behind it where it may be off, or none',
  presence: 'present, absent, or how often',
  errno: '0 or -ERRNO, as a step of the script states it',
  name: 'a name, or none',
};

/** Reads what a scenario expects of a reading of some unit; a message when it is no such value. */
export function parseExpected(source: string | number, unit: ExpectationUnit): ExpectedValue | string {
  const text = String(source).trim();
  const refused = `"${text}" is no value here: ${FORMS[unit]}`;
  if (text === 'none' && unit !== 'presence' && unit !== 'errno')
    return { unit, expected: null, tolerance: 0 };
  switch (unit) {
    case 'name':
      return text === '' ? refused : { unit, expected: text, tolerance: 0 };
    case 'errno':
      return text === '0' || ERRNO_NAMES.some((name) => text === `-${name}`)
        ? { unit, expected: text, tolerance: 0 }
        : refused;
    case 'presence':
      if (text === 'present' || text === 'absent') return { unit, expected: text, tolerance: 0 };
      return parseNumber(text, 'count', unit) ?? refused;
    case 'bytes':
    case 'count':
      return parseNumber(text, unit, unit) ?? refused;
  }
}

function parseNumber(
  text: string,
  kind: 'bytes' | 'count',
  unit: ExpectationUnit,
): ExpectedValue | undefined {
  const [, sign, digits, off, percent] = /^(-?)\s*(\S+?)(?:\s*\+-\s*(\S+?)(%?))?$/.exec(text) ?? [];
  const read = (word: string): number | undefined =>
    kind === 'bytes' ? parseSize(word) : /^\d+$/.test(word) ? Number(word) : undefined;
  const value = digits === undefined ? undefined : read(digits);
  if (value === undefined || !Number.isSafeInteger(value)) return undefined;
  const expected = sign === '-' ? 0 - value : value;
  if (off === undefined) return { unit, expected, tolerance: 0 };
  if (percent === '') {
    const tolerance = read(off);
    return tolerance === undefined ? undefined : { unit, expected, tolerance };
  }
  if (!/^\d+(\.\d+)?$/.test(off)) return undefined;
  return { unit, expected, tolerance: Math.floor((value * Number(off)) / 100) };
}
