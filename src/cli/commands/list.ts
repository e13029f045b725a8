import { parse } from 'yaml';
import { AXES, type Options, type PartMeta } from '../../strategy/contract.ts';
import { parseStrategy } from '../../strategy/parse-strategy.ts';
import { CATALOGUE } from '../../../strategies/index.ts';
import { findCaptures } from '../../conformance/read-capture.ts';
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { datasetNames, readDataset, type DatasetKind } from '../find-file.ts';
import { datasetPath } from '../package-root.ts';
import { columns } from '../columns.ts';
import { textOf, type Arguments } from '../verb.ts';

/** What a listing says of a thing. */
interface Listed {
  name: string;
  title: string;
  /** Kernel, parts, or options, in words. */
  details: string;
  /** The parts that a strategy is made of, or the part itself; with `--verbose` alone. */
  parts?: ListedPart[];
}

/** All that a part says of itself, with the options in force. */
interface ListedPart extends PartMeta {
  /** Options that are not at their default. */
  set: Options;
}

const LISTS: Readonly<Record<string, () => Listed[]>> = {
  scenarios: () => datasets('scenarios'),
  strategies: () =>
    CATALOGUE.presets.map(({ name, title, expression }) => ({ name, title, details: expression })),
  parts: () => AXES.flatMap((axis) => partsOf(axis)),
  machines: () => datasets('machines'),
  captures: () => captures(),
};

/** `gmemlab list`: prints what there is, of one kind or of all. */
export function listCommand(args: Arguments): number {
  const what = textOf(args, 'what');
  const kinds = what === undefined ? Object.keys(LISTS) : [what];
  const isVerbose = args['verbose'] === true;
  const found = Object.fromEntries(
    kinds.map((kind) => [kind, isVerbose ? LISTS[kind]!().map(withParts(kind)) : LISTS[kind]!()]),
  );
  process.stdout.write(
    textOf(args, 'format') === 'json' ? `${JSON.stringify(found, null, 2)}\n` : tables(found),
  );
  return 0;
}

function tables(found: Readonly<Record<string, readonly Listed[]>>): string {
  return Object.entries(found)
    .map(([kind, things]) => {
      const rows = things.map(({ name, title, details }) => [name, title, details]);
      const parts = new Map(things.flatMap(({ parts: of = [] }) => of.map((part) => [part.id, part])));
      const table = `${kind}\n${rows.length > 0 ? columns(rows) : '  none\n'}`;
      return [table, ...[...parts.values()].map(partText)].join('\n');
    })
    .join('\n');
}

/** A strategy or a part, with all that its parts say of themselves. */
const withParts =
  (kind: string) =>
  (listed: Listed): Listed => {
    const isPart = kind === 'parts';
    if (!isPart && kind !== 'strategies') return listed;
    const parsed = parseStrategy(listed.name, CATALOGUE);
    if ('problem' in parsed) throw new Error(parsed.problem);
    const parts = parsed.plan.parts.filter(({ part }) => !isPart || part.meta.id === listed.name);
    return {
      ...listed,
      parts: parts.map(({ part: { meta }, options }) => ({
        ...meta,
        set: Object.fromEntries(
          Object.entries(options).filter(([key, value]) => value !== meta.options[key]?.default),
        ),
      })),
    };
  };

/** A part in words: what it gains and costs, where it comes from, and a line for each option. */
function partText({ id, axis, origin, summary, source, options }: ListedPart): string {
  const rows = Object.entries(options).map(([key, { type, default: usual, enum: choices, description }]) => [
    `  ${key}`,
    (choices ?? (type === 'boolean' ? [true, false] : [type])).join('|'),
    `default ${usual}`,
    description,
  ]);
  const lines = [`${id} (${axis}, ${origin})`, `  ${summary}`, `  source: ${source}`];
  return `${lines.join('\n')}\n${rows.length > 0 ? columns(rows) : ''}`;
}

function datasets(kind: DatasetKind): Listed[] {
  return datasetNames(kind).map((name) => {
    const { title, kernel } = parse(readDataset(kind, name)!.text) as { title: string; kernel?: string };
    return { name, title, details: kernel === undefined ? '' : `Linux ${kernel}` };
  });
}

function partsOf(axis: string): Listed[] {
  return CATALOGUE.parts
    .filter(({ meta }) => meta.axis === axis)
    .map(({ meta: { id, title, origin, options } }) => {
      const set = Object.entries(options).map(([key, spec]) => {
        const choices = spec.enum ?? (spec.type === 'boolean' ? [true, false] : []);
        const others = choices.filter((choice) => choice !== spec.default);
        return `${key}=${[spec.default, ...others].join('|')}`;
      });
      return {
        name: id,
        title,
        details: [axis, origin, ...(set.length > 0 ? [`{${set.join(',')}}`] : [])].join(' '),
      };
    });
}

function captures(): Listed[] {
  const root = datasetPath('captures');
  if (!existsSync(root)) return [];
  return findCaptures(root).map((dir) => {
    const uname = /^uname: Linux \S+ (\S+)/m.exec(readFileSync(join(dir, 'meta.txt'), 'utf8'))?.[1] ?? '';
    return { name: relative(root, dir), title: `what Linux ${uname} reported`, details: '' };
  });
}
