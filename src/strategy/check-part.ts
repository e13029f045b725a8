import { didYouMean } from '../units/closest-name.ts';
import { checkHooks, describe } from './check-hooks.ts';
import { AXES, type Options, type OptionSpec, type Part, type PartMeta } from './contract.ts';
import { isOptionValue, optionChoices } from './option-value.ts';

/** A sound part, or everything that is wrong with it: `FILE: FIELD: what is wrong and what would be right`. */
export type CheckedPart = { part: Part } | { problems: string[] };

const ORIGINS: readonly PartMeta['origin'][] = ['mainline', 'proposed', 'what-if'];
const OPTION_TYPES: readonly OptionSpec['type'][] = ['boolean', 'integer', 'string'];
const TEXTS = ['title', 'summary', 'source'] as const;
const META_KEYS: Readonly<Record<keyof PartMeta, true>> = {
  axis: true,
  id: true,
  title: true,
  summary: true,
  origin: true,
  mainlineIn: true,
  source: true,
  options: true,
};
const OPTION_KEYS: Readonly<Record<keyof OptionSpec, true>> = {
  type: true,
  default: true,
  enum: true,
  description: true,
};
const ID = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;

type Say = (field: string, words: string) => void;
type Fields = Readonly<Record<string, unknown>>;

/**
 * Checks that a value is a part, such as the default export of a user's file. The part that comes back also checks what `create`
 * returns, so that a mistyped hook stops its strategy instead of never being called.
 */
export function checkPart(value: unknown, file: string): CheckedPart {
  const problems: string[] = [];
  const say: Say = (field, words) => problems.push(`${file}: ${field}: ${words}`);
  if (!isFields(value)) {
    say('default export', `must be a part { meta, create }, is ${describe(value)}`);
    return { problems };
  }
  noOthers(value, { meta: true, create: true }, '', say);
  if (isFields(value['meta'])) checkMeta(value['meta'], say);
  else say('meta', `must be an object, is ${describe(value['meta'])}`);
  if (typeof value['create'] !== 'function') {
    say('create', `must be a function (view, options) => hooks, is ${describe(value['create'])}`);
  }
  return problems.length > 0 ? { problems } : { part: checkingHooks(value as unknown as Part) };
}

function checkMeta(meta: Fields, say: Say): void {
  noOthers(meta, META_KEYS, 'meta.', say);
  oneOf(meta['axis'], AXES, 'meta.axis', say);
  if (typeof meta['id'] !== 'string' || !ID.test(meta['id'])) {
    say('meta.id', `must be lower-case words joined by "-", is ${describe(meta['id'])}`);
  }
  for (const key of TEXTS) text(meta[key], `meta.${key}`, say);
  oneOf(meta['origin'], ORIGINS, 'meta.origin', say);
  const { mainlineIn, options } = meta;
  if (
    mainlineIn !== undefined &&
    !(Array.isArray(mainlineIn) && mainlineIn.every((one) => typeof one === 'string'))
  ) {
    say('meta.mainlineIn', `must be a list of kernel versions, is ${describe(mainlineIn)}`);
  }
  if (!isFields(options))
    return say('meta.options', `must be an object, is ${describe(options)}; {} for none`);
  for (const [name, spec] of Object.entries(options)) checkOption(name, spec, say);
}

function checkOption(name: string, spec: unknown, say: Say): void {
  const field = `meta.options.${name}`;
  if (!ID.test(name)) say(field, 'the name must be lower-case words joined by "-"');
  if (!isFields(spec))
    return say(field, `must be an object { type, default, description }, is ${describe(spec)}`);
  noOthers(spec, OPTION_KEYS, `${field}.`, say);
  text(spec['description'], `${field}.description`, say);
  if (!oneOf(spec['type'], OPTION_TYPES, `${field}.type`, say)) return;
  const type = spec['type'] as OptionSpec['type'];
  const choices = spec['enum'];
  if (choices !== undefined) {
    const isList = Array.isArray(choices) && choices.length > 0;
    if (!isList || !choices.every((choice) => isOptionValue({ type }, choice))) {
      return say(`${field}.enum`, `must be a list of values, each ${optionChoices({ type })}`);
    }
  }
  const shape = choices === undefined ? { type } : { type, enum: choices as string[] };
  if (!isOptionValue(shape, spec['default'])) {
    say(`${field}.default`, `must be ${optionChoices(shape)}, is ${describe(spec['default'])}`);
  }
}

function checkingHooks(part: Part): Part {
  return {
    meta: part.meta,
    create(view, options: Options) {
      const hooks = part.create(view, options);
      const problems = checkHooks(hooks);
      if (problems.length > 0) throw new Error(problems.join('; '));
      return hooks;
    },
  };
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function noOthers(value: Fields, known: Readonly<Record<string, true>>, prefix: string, say: Say): void {
  const keys = Object.keys(known);
  for (const key of Object.keys(value)) {
    if (Object.hasOwn(known, key)) continue;
    say(prefix + key, `unknown${didYouMean(key, keys)} (${keys.join(', ')})`);
  }
}

function oneOf(value: unknown, choices: readonly string[], field: string, say: Say): boolean {
  const isKnown = typeof value === 'string' && choices.includes(value);
  if (!isKnown) say(field, `must be one of ${choices.join(', ')}, is ${describe(value)}`);
  return isKnown;
}

function text(value: unknown, field: string, say: Say): void {
  if (typeof value !== 'string' || value.trim() === '') say(field, `must be a text, is ${describe(value)}`);
}
