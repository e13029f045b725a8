import type { OptionSpec, OptionValue } from './contract.ts';

/** Reads an option's text by its specification; undefined when the text is no such value. */
export function readOption(spec: OptionSpec, text: string): OptionValue | undefined {
  const value = parse(spec.type, text);
  return value !== undefined && isOptionValue(spec, value) ? value : undefined;
}

/** Whether a value is what the option takes: its type, and one of its choices where it has some. */
export function isOptionValue(spec: Pick<OptionSpec, 'type' | 'enum'>, value: unknown): value is OptionValue {
  const hasType = spec.type === 'integer' ? Number.isSafeInteger(value) : typeof value === spec.type;
  return hasType && (spec.enum?.includes(value as OptionValue) ?? true);
}

/** The values that an option takes, in words. */
export function optionChoices(spec: Pick<OptionSpec, 'type' | 'enum'>): string {
  if (spec.enum) return `one of ${spec.enum.join(', ')}`;
  return { boolean: 'true or false', integer: 'a whole number', string: 'a text' }[spec.type];
}

function parse(type: OptionSpec['type'], text: string): OptionValue | undefined {
  if (type === 'string') return text;
  if (type === 'integer') return /^-?\d+$/.test(text) ? Number(text) : undefined;
  return text === 'true' ? true : text === 'false' ? false : undefined;
}
