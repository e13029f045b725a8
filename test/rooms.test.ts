import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path/posix';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** The rooms of src/, lowest first. A room imports itself, what stands here, and the packages named behind it. */
const ROOMS: Readonly<Record<string, { rooms: string; packages?: string }>> = {
  units: { rooms: '' },
  random: { rooms: '' },
  kernel: { rooms: 'units random' },
  kvm: { rooms: 'units kernel' },
  strategy: { rooms: 'units' },
  procfs: { rooms: 'units' },
  result: { rooms: 'units procfs' },
  analysis: { rooms: 'units result procfs' },
  expect: { rooms: 'units procfs result analysis' },
  scenario: { rooms: 'units procfs result expect', packages: 'ajv yaml' },
  simulation: { rooms: 'units random kernel kvm strategy procfs expect scenario result' },
  conformance: { rooms: 'units procfs scenario simulation result' },
  charts: { rooms: 'analysis result units', packages: 'vega vega-lite @resvg/resvg-js' },
  report: { rooms: 'charts analysis conformance result units', packages: 'csv-stringify' },
  lab: { rooms: 'units random scenario procfs conformance simulation' },
  sweep: { rooms: 'simulation scenario strategy result units' },
  cli: {
    rooms:
      'units random kernel kvm strategy procfs result scenario simulation conformance analysis charts report lab sweep',
    packages: 'yargs yaml @resvg/resvg-js piscina',
  },
};

/** Who touches the machine that the program runs on: rooms, and single files of other rooms. */
const MAY_TOUCH_NODE: readonly string[] = [
  'src/cli/',
  'src/lab/',
  'src/sweep/',
  'src/conformance/read-capture.ts',
  // Resolves the font files in their npm package, for pictures that don't depend on a machine's own fonts.
  'src/charts/chart-fonts.ts',
];
/** Who imports what is known only at run time: a user's own part. */
const MAY_COMPUTE_IMPORTS: readonly string[] = ['src/cli/load-part-file.ts'];
const CONTRACT = 'src/strategy/contract.ts';

interface Import {
  target: string;
  /** Only types: gone at run time. */
  isTypeOnly: boolean;
}

const COMMENT = /\/\*[\s\S]*?\*\/|(?<=^|[\s;{}(),])\/\/[^\n]*/g;
const STATIC = /\b(?:import|export)\s+(type\s+)?(?:[\w*{][^'"();]*?\bfrom\s*)?['"]([^'"\n]+)['"]/g;
const DYNAMIC = /\bimport\s*\(\s*(?:['"]([^'"\n]+)['"]|([^\s]))/g;

/** Every import of a file: static, type-only and dynamic. */
function importsOf(text: string): { imports: Import[]; hasComputed: boolean } {
  const code = text.replaceAll(COMMENT, '');
  const dynamic = [...code.matchAll(DYNAMIC)];
  return {
    imports: [
      ...[...code.matchAll(STATIC)].map(([, type, target]) => ({
        target: target!,
        isTypeOnly: type !== undefined,
      })),
      ...dynamic.flatMap(([, target]) => (target === undefined ? [] : [{ target, isTypeOnly: false }])),
    ],
    hasComputed: dynamic.some(([, target]) => target === undefined),
  };
}

/** What is wrong with a file's imports, one sentence each. */
function violations(file: string, text: string): string[] {
  const { imports, hasComputed } = importsOf(text);
  const found = imports.flatMap((one) => {
    const words = one.target.startsWith('.')
      ? wrongFile(file, normalize(join(dirname(file), one.target)), one)
      : wrongPackage(file, one.target);
    return words === null ? [] : [`${file} imports ${one.target}: ${words}`];
  });
  if (hasComputed && !MAY_COMPUTE_IMPORTS.includes(file)) found.push(`${file} computes what it imports`);
  return found;
}

const roomOf = (file: string): string | undefined => /^src\/([^/]+)\//.exec(file)?.[1];

function wrongFile(file: string, target: string, { isTypeOnly }: Import): string | null {
  if (/^strategies\/[^/]+\//.test(file)) {
    return target === CONTRACT && isTypeOnly
      ? null
      : `a part imports types from ${CONTRACT}, and nothing else`;
  }
  if (file.startsWith('strategies/')) {
    return target.startsWith('strategies/') || isTypeOnly ? null : 'the catalogue imports parts, and types';
  }
  const room = roomOf(file)!;
  const targetRoom = roomOf(target);
  if (targetRoom === room) return null;
  if (target.startsWith('strategies/')) return room === 'cli' ? null : 'only cli/ knows the catalogue';
  if (target.startsWith('datasets/schema/'))
    return room === 'scenario' ? null : 'only scenario/ knows schemas';
  if (target === 'datasets/costs.json')
    return room === 'analysis' ? null : 'only analysis/ knows what operations cost';
  if (target.startsWith('reports/'))
    return room === 'result' ? null : 'only result/ knows the verdict on the model';
  const allowed = ROOMS[room]?.rooms.split(' ') ?? [];
  return targetRoom !== undefined && allowed.includes(targetRoom)
    ? null
    : `${room}/ imports ${allowed.join(' ') || 'nothing'}`;
}

function wrongPackage(file: string, target: string): string | null {
  if (target.startsWith('node:')) {
    return MAY_TOUCH_NODE.some((place) => file.startsWith(place)) ? null : 'this file must not touch node:*';
  }
  const name = /^(?:@[^/]+\/)?[^/]+/.exec(target)![0];
  const allowed = ROOMS[roomOf(file) ?? '']?.packages?.split(' ') ?? [];
  return allowed.includes(name) ? null : `allowed packages: ${allowed.join(' ') || 'none'}`;
}

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FILES = ['src', 'strategies'].flatMap((top) =>
  readdirSync(join(ROOT, top), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => `${top}/${path}`),
);

describe('the rooms', () => {
  it('are all in the table', () => {
    const rooms = new Set(FILES.flatMap((file) => roomOf(file) ?? []));
    expect([...rooms].filter((room) => !Object.hasOwn(ROOMS, room))).toEqual([]);
    expect(rooms.size).toBeGreaterThan(10);
  });

  it('stand in an order: no room imports a later one', () => {
    const order = Object.keys(ROOMS);
    for (const [room, { rooms }] of Object.entries(ROOMS)) {
      for (const below of rooms.split(' ').filter((name) => name !== '')) {
        expect(order.indexOf(below), `${room} -> ${below}`).toBeLessThan(order.indexOf(room));
        expect(order).toContain(below);
      }
    }
  });

  it('import only what they may', () => {
    const found = FILES.flatMap((file) => violations(file, readFileSync(join(ROOT, file), 'utf8')));
    expect(found).toEqual([]);
  });

  it('are seen: most files import something', () => {
    const importing = FILES.filter(
      (file) => importsOf(readFileSync(join(ROOT, file), 'utf8')).imports.length > 0,
    );
    expect(importing.length / FILES.length).toBeGreaterThan(0.7);
  });
});

describe('a planted import', () => {
  it.each([
    ['src/kernel/a.ts', "import { vm } from '../kvm/vm.ts';"],
    ['src/kernel/a.ts', "import type { Vm } from '../kvm/vm.ts';"],
    ['src/kernel/a.ts', "import {\n  one,\n  two as other,\n} from '../result/types.ts';"],
    ['src/kernel/a.ts', "export { x } from '../kvm/vm.ts';"],
    ['src/kernel/a.ts', "export * from '../kvm/vm.ts';"],
    ['src/kernel/a.ts', "import '../kvm/vm.ts';"],
    ['src/kernel/a.ts', "const late = await import('../kvm/vm.ts');"],
    ['src/kernel/a.ts', "type Late = import('../kvm/vm.ts').Vm;"],
    ['src/kernel/a.ts', "import { readFile } from 'node:fs';"],
    ['src/kernel/a.ts', "import yargs from 'yargs';"],
    ['src/kernel/a.ts', 'const late = await import(`../kvm/${name}.ts`);'],
    ['src/kernel/a.ts', "import { CATALOGUE } from '../../strategies/index.ts';"],
    ['src/kernel/deep/a.ts', "import { vm } from '../../kvm/vm.ts';"],
    ['src/analysis/a.ts', "import { runScenario } from '../simulation/run-scenario.ts';"],
    ['src/conformance/compare.ts', "import { readFileSync } from 'node:fs';"],
    ['src/analysis/a.ts', "import report from '../../reports/conformance/conformance.json';"],
    ['src/simulation/a.ts', "import costs from '../../datasets/costs.json' with { type: 'json' };"],
    ['strategies/placement/a.ts', "import { AXES } from '../../src/strategy/contract.ts';"],
    ['strategies/placement/a.ts', "import type { StrategyPlan } from '../../src/strategy/plan.ts';"],
    ['strategies/placement/a.ts', "import { other } from './other.ts';"],
    ['strategies/index.ts', "import { parseStrategy } from '../src/strategy/parse-strategy.ts';"],
  ])('%s: %s is reported', (file, text) => {
    expect(violations(file, `/** Words. */\n${text}\n`)).toHaveLength(1);
  });

  it.each([
    ['src/kvm/a.ts', "import { kernel } from '../kernel/kernel.ts';"],
    ['src/kernel/a.ts', "// import { vm } from '../kvm/vm.ts';"],
    ['src/kernel/a.ts', "/* from '../kvm/vm.ts' */ const url = 'https://kernel.org';"],
    ['src/cli/a.ts', "const { run } = await import('../simulation/run-scenario.ts');"],
    ['strategies/placement/a.ts', "import type { Part } from '../../src/strategy/contract.ts';"],
    ['strategies/index.ts', "import { fbind } from './placement/fbind.ts';"],
  ])('%s: %s is fine', (file, text) => {
    expect(violations(file, `${text}\n`)).toEqual([]);
  });
});
