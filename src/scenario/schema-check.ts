import type { AnySchemaObject, ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import machineSchema from '../../datasets/schema/machine.schema.json' with { type: 'json' };
import scenarioSchema from '../../datasets/schema/scenario.schema.json' with { type: 'json' };
import type { Report } from './place.ts';
import type { Path, PositionedDocument } from './positioned-document.ts';
import { schemaMessage } from './schema-message.ts';

type SchemaName = 'machine' | 'scenario';

let validators: Promise<Readonly<Record<SchemaName, ValidateFunction>>> | undefined;

/** Compiles the schemas when the first file is checked: ajv takes longer to load than most commands to run. */
async function compile(): Promise<Readonly<Record<SchemaName, ValidateFunction>>> {
  const { Ajv2020 } = await import('ajv/dist/2020.js');
  const ajv = new Ajv2020({ allErrors: true, verbose: true, strict: true, allowUnionTypes: true });
  ajv.addVocabulary(['patternErrorMessage']);
  // The scenario's `$ref` names the machine's schema by its file name, as editors resolve it.
  ajv.addSchema(machineSchema, 'machine.schema.json');
  return {
    machine: ajv.getSchema('machine.schema.json')!,
    scenario: ajv.compile(scenarioSchema as AnySchemaObject),
  };
}

/** Errors that leave what is there usable. */
const HARMLESS: ReadonlySet<string> = new Set(['required', 'additionalProperties', 'uniqueItems']);

/** Reports where a document departs from its schema; returns the paths of values that cannot be used. */
export async function checkSchema(
  name: SchemaName,
  document: PositionedDocument,
  report: Report,
): Promise<Path[]> {
  validators ??= compile();
  const validate = (await validators)[name];
  if (validate(document.value)) return [];
  const broken: Path[] = [];
  for (const error of validate.errors ?? []) {
    const path = pathOf(error);
    const found = schemaMessage(error);
    if (found === null) continue;
    const whole = [...path, ...found.below];
    if (!HARMLESS.has(error.keyword)) broken.push(whole);
    const place = document.place(whole, found.at);
    report(place, 'schema', document.about(path, found.message));
  }
  return broken;
}

/** ajv's JSON pointer as keys. */
function pathOf(error: ErrorObject): string[] {
  return error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}
