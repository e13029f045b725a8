import { takeChoice, takeKeyedPages, takeKeyedSize, takeNode, takeRandom, takeSize } from './arguments.ts';
import { fileKind } from './file-rules.ts';
import { takeNew, takeObject, takeWorker } from './name-arguments.ts';
import { takePolicy } from './policy-arguments.ts';
import type { StepRules } from './step-rule.ts';
import type { StepWords } from './step-words.ts';

const ADVICE = [
  'hugepage',
  'nohugepage',
  'dontneed',
  'remove',
  'collapse',
  'free',
  'pageout',
  'populate_read',
  'populate_write',
  'mergeable',
  'unmergeable',
] as const;

/** Steps on address ranges: mmap and its relatives. */
export const MAPPING_RULES: StepRules<
  | 'map'
  | 'anon map'
  | 'unmap'
  | 'mbind'
  | 'touch'
  | 'mlock'
  | 'munlock'
  | 'mlockall'
  | 'mremap'
  | 'peek'
  | 'madvise'
  | 'move_pages'
  | 'soft_offline'
  | 'where'
> = {
  map: {
    usage: 'NAME [shared|private] [ro] [at=ADDRESS] [offset=OFF] [len=LEN]',
    read: (words) => {
      const kind = fileKind(words);
      const name = takeObject(words);
      return {
        kind,
        name,
        shared: takeShared(words, true),
        readOnly: words.flag('ro'),
        at: takeKeyedPages(words, 'at'),
        offset: takeKeyedPages(words, 'offset'),
        bytes: takeKeyedSize(words, 'len'),
      };
    },
  },
  'anon map': {
    usage: 'NAME SIZE [shared|private] [hugetlb] [noreserve] [at=ADDRESS]',
    read: (words) => ({
      name: takeNew(words, 'object'),
      bytes: takeSize(words, 'SIZE'),
      shared: takeShared(words, false),
      hugetlb: words.flag('hugetlb'),
      noreserve: words.flag('noreserve'),
      at: takeKeyedPages(words, 'at'),
    }),
  },
  unmap: {
    usage: 'NAME [OFF LEN]',
    read: (words) => {
      const kind = words.head === 'anon' ? 'anon' : fileKind(words);
      const name = takeObject(words);
      const isWhole = words.peek() === undefined;
      return {
        kind,
        name,
        range: isWhole ? null : { offset: takeSize(words, 'OFF'), bytes: takeSize(words, 'LEN') },
      };
    },
  },
  mbind: {
    usage: 'NAME OFF LEN MODE[=FLAG] [NODES] [move] [strict]',
    read: (words) => ({
      ...takeSpan(words),
      move: words.flag('move'),
      strict: words.flag('strict'),
      ...takePolicy(words),
    }),
  },
  touch: {
    usage: 'NAME OFF LEN write|read [random=COUNT [seed=N]]',
    read: (words) => {
      const span = takeSpan(words);
      const write = takeChoice(words, 'kind of access', ['write', 'read']) === 'write';
      return { ...span, write, random: takeRandom(words, span.bytes) };
    },
  },
  mlock: { usage: 'NAME OFF LEN', read: takeSpan },
  munlock: { usage: 'NAME OFF LEN', read: takeSpan },
  mlockall: { usage: '[future]', read: (words) => ({ future: words.flag('future') }) },
  mremap: {
    usage: 'NAME SIZE',
    read: (words) => ({ name: takeObject(words), bytes: takeSize(words, 'SIZE') }),
  },
  peek: {
    usage: 'WORKER NAME OFF LEN [force]',
    read: (words) => ({ worker: takeWorker(words), ...takeSpan(words), force: words.flag('force') }),
  },
  madvise: {
    usage: 'NAME OFF LEN ADVICE',
    read: (words) => ({ ...takeSpan(words), advice: takeChoice(words, 'advice', ADVICE) }),
  },
  move_pages: {
    usage: 'NAME OFF LEN NODE',
    read: (words) => ({ ...takeSpan(words), node: takeNode(words, 'NODE') }),
  },
  soft_offline: { usage: 'NAME OFF LEN', read: takeSpan },
  where: { usage: 'NAME OFF LEN', read: takeSpan },
};

function takeSpan(words: StepWords): { name: string; offset: number; bytes: number } {
  return { name: takeObject(words), offset: takeSize(words, 'OFF'), bytes: takeSize(words, 'LEN') };
}

/** `shared` or `private`, wherever it stands; not both. */
function takeShared(words: StepWords, fallback: boolean): boolean {
  if (words.flag('shared')) return true;
  return words.flag('private') ? false : fallback;
}
