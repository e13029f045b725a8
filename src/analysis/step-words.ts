import type { StepResult } from '../result/types.ts';

/** The command of a step: its text without the worker that runs it. */
export const commandOf = ({ text }: Pick<StepResult, 'text'>): string => text.replace(/^[\w.-]+:\s+/, '');

const CONVERSION = /^vm (?:convert\b|attr\b.*\bshared\b)/;
const HANDOVER = /^fork\b/;
const END = /^(?:exit\b|kill\b|vm close\b|gmem close\b)/;
const WISH = /^(?:gmem policy|mbind)\b/;

/** Guest memory changed its kind: an explicit or implicit conversion, or attributes set to shared. */
export const isConversion = (step: StepResult): boolean => step.ret >= 0 && CONVERSION.test(commandOf(step));

/** A child inherited the descriptors. */
export const isHandover = (step: StepResult): boolean => step.ret >= 0 && HANDOVER.test(commandOf(step));

/** A process, a VM or a descriptor of private memory ended, by command or because the step killed its worker. */
export const isEnd = (step: StepResult): boolean =>
  (step.ret >= 0 && END.test(commandOf(step))) || step.errno === 'ECONNRESET';

/** A VMM said where memory should be. */
export const isWish = (step: StepResult): boolean => WISH.test(commandOf(step));

/** Private memory got a file. */
export const isGmemCreated = (step: StepResult): boolean =>
  step.ret >= 0 && commandOf(step).startsWith('gmem create ');
