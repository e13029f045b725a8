import type { ObjectKind, StepArgs } from '../types.ts';
import { takeKeyedNumber, takeSize, takeStride } from './arguments.ts';
import { takeNew, takeObject } from './name-arguments.ts';
import type { StepRules } from './step-rule.ts';
import type { StepWords } from './step-words.ts';

/** Bytes that one write of the rig writes. */
const WRITE_BYTES = 64;

/** Steps on files through their descriptor. */
export const FILE_RULES: StepRules<
  | 'gmem create'
  | 'memfd create'
  | 'file create'
  | 'close'
  | 'fallocate'
  | 'punch'
  | 'punchstride'
  | 'ftruncate'
  | 'read'
  | 'write file'
  | 'stat'
> = {
  'gmem create': {
    usage: 'NAME SIZE [flags=N]',
    read: (words) => ({
      name: takeNew(words, 'object'),
      bytes: takeSize(words, 'SIZE'),
      flags: takeKeyedNumber(words, 'flags', 0),
    }),
  },
  'memfd create': {
    usage: 'NAME SIZE [hugetlb] [cloexec] [name=TEXT]',
    read: (words) => {
      const name = takeNew(words, 'object');
      const bytes = takeSize(words, 'SIZE');
      const hugetlb = words.flag('hugetlb');
      const cloexec = words.flag('cloexec');
      return { name, bytes, hugetlb, cloexec, file: words.keyed('name')?.text ?? name };
    },
  },
  'file create': {
    usage: 'NAME SIZE PATH',
    read: (words) => ({
      name: takeNew(words, 'object'),
      bytes: takeSize(words, 'SIZE'),
      path: words.take('PATH')?.text ?? '',
    }),
  },
  close: { usage: 'NAME', read: takeFile },
  fallocate: { usage: 'NAME OFF LEN', read: takeRange },
  punch: { usage: 'NAME OFF LEN', read: takeRange },
  punchstride: {
    usage: 'NAME OFF LEN HOLE STRIDE',
    read: (words) => ({
      ...takeRange(words),
      hole: takeSize(words, 'HOLE'),
      stride: takeStride(words, 'STRIDE'),
    }),
  },
  ftruncate: {
    usage: 'NAME SIZE',
    read: (words) => ({ ...takeFile(words), bytes: takeSize(words, 'SIZE') }),
  },
  read: { usage: 'NAME OFF', read: (words) => ({ ...takeFile(words), offset: takeSize(words, 'OFF') }) },
  'write file': {
    usage: 'NAME OFF [LEN]',
    read: (words) => ({
      ...takeFile(words),
      offset: takeSize(words, 'OFF'),
      bytes: words.peek() === undefined ? WRITE_BYTES : takeSize(words, 'LEN'),
    }),
  },
  stat: { usage: 'NAME', read: takeFile },
};

function takeFile(words: StepWords): { kind: ObjectKind; name: string } {
  return { kind: fileKind(words), name: takeObject(words) };
}

function takeRange(words: StepWords): StepArgs['fallocate'] {
  return { ...takeFile(words), offset: takeSize(words, 'OFF'), bytes: takeSize(words, 'LEN') };
}

/** The verb's first word, where that is a kind of file. */
export function fileKind(words: StepWords): ObjectKind {
  const { head } = words;
  if (head === 'gmem' || head === 'memfd' || head === 'file') return head;
  throw new Error(`"${head}" is no kind of file`);
}
