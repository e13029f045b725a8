import type { ErrorObject } from 'ajv/dist/2020.js';
import { hint } from './suggest.ts';

/** What to say about an error of the schema, and where: at the value of `below` in the failing one, or at its key. */
export interface SchemaMessage {
  message: string;
  below: (string | number)[];
  at: 'key' | 'value';
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  array: 'a list',
  object: 'a mapping',
};

/** Puts an ajv error into words of the file; null for errors that only repeat another. */
export function schemaMessage(error: ErrorObject): SchemaMessage | null {
  const { keyword, params, data, parentSchema } = error;
  const say = (message: string): SchemaMessage => ({ message, below: [], at: 'value' });
  switch (keyword) {
    // An error of the other branch or of the name itself stands beside these.
    case 'if':
      return null;
    case 'pattern':
      if (error.propertyName !== undefined) return null;
      return say(`${JSON.stringify(data)} does not fit: ${String(parentSchema?.['patternErrorMessage'])}`);
    case 'propertyNames': {
      const name = String(params['propertyName']);
      const rule = parentSchema?.['propertyNames'] as { patternErrorMessage: string };
      const words = rule.patternErrorMessage;
      return { message: `"${name}" does not fit: ${words}`, below: [name], at: 'key' };
    }
    case 'type': {
      const types = [params['type'] as string | string[]].flat();
      const expected = types.map((type) => TYPE_WORDS[type] ?? type).join(' or ');
      return say(`${expected} is expected here, found ${describe(data)}`);
    }
    case 'required':
      return say(`"${String(params['missingProperty'])}" is missing`);
    case 'additionalProperties': {
      const key = String(params['additionalProperty']);
      const known = Object.keys(parentSchema?.['properties'] as object);
      return { message: `unknown key "${key}": ${hint(key, known)}`, below: [key], at: 'key' };
    }
    case 'enum': {
      const choices = params['allowedValues'] as string[];
      if (typeof data === 'number' && choices.includes(String(data))) {
        return say(`write "${data}" in quotes, without them it is a number`);
      }
      if (typeof data !== 'string')
        return say(`${describe(data)} is not valid: one of ${choices.join(', ')}`);
      return say(`"${data}" is not valid: ${hint(data, choices)}`);
    }
    case 'minimum':
      return say(`${String(data)} is too small: at least ${String(params['limit'])}`);
    case 'maximum':
      return say(`${String(data)} is too large: at most ${String(params['limit'])}`);
    case 'minLength':
      return say('the text is empty');
    case 'maxLength':
      return say(`${JSON.stringify(data)} is too long: at most ${String(params['limit'])} characters`);
    case 'minItems':
      return say('the list is empty');
    case 'minProperties':
      return say('the mapping is empty');
    case 'maxItems':
      return say(`the list is too long: at most ${String(params['limit'])} entries`);
    case 'uniqueItems': {
      const [first, second] = [Number(params['j']), Number(params['i'])].sort((a, b) => a - b) as [
        number,
        number,
      ];
      return { message: `entry ${second} repeats entry ${first}`, below: [second], at: 'value' };
    }
    default:
      return say(error.message ?? `does not fit the schema (${keyword})`);
  }
}

/** What a value is, in the words of a file. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  return typeof value === 'string' ? `the text ${JSON.stringify(value)}` : JSON.stringify(value);
}
