import type { ModeFlag, ModeName } from '../types.ts';
import { readChoice, takeNodes } from './arguments.ts';
import type { StepWords } from './step-words.ts';

const MODES: readonly ModeName[] = [
  'default',
  'local',
  'bind',
  'interleave',
  'preferred',
  'prefmany',
  'winterleave',
];
const FLAGS: readonly ModeFlag[] = ['static', 'relative', 'balancing'];

interface PolicyWords {
  mode: ModeName;
  flags: ModeFlag[];
  nodes: number[];
}

/** `MODE[=FLAG[,FLAG]] [NODES]`. Which modes want nodes is for the kernel to say: EINVAL is a result. */
export function takePolicy(words: StepWords): PolicyWords {
  const word = words.take('MODE');
  if (!word) return { mode: 'default', flags: [], nodes: [] };
  const [modeText = '', flagText] = word.text.split('=', 2);
  const mode = readChoice(words, word, modeText, 'policy mode', MODES);
  let start = word.start + modeText.length + 1;
  const flags = (flagText?.split(',') ?? []).map((text) => {
    const flag = readChoice(words, { text, start }, text, 'flag of a policy mode', FLAGS);
    start += text.length + 1;
    return flag;
  });
  const hasNodes = words.peek() !== undefined;
  return { mode, flags, nodes: hasNodes ? takeNodes(words, 'NODES', flags.includes('relative')) : [] };
}
