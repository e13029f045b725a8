import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { execa } from 'execa';
import { compile, type JSONSchema } from 'json-schema-to-typescript';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { RunResult } from '../../src/result/types.ts';
import { runScenario } from '../../src/simulation/run-scenario.ts';
import { planOf, PRESETS } from '../simulation/lab.ts';
import { ownScenario, runUnder, SCENARIO_IDS, scenarioFrom } from '../simulation/scenario-file.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SCHEMA_TEXT = readFileSync(join(ROOT, 'datasets/schema/result.schema.json'), 'utf8');

/** A fresh copy of the schema, loosely typed so that faults can be planted in it. */
interface Schema {
  $defs: Record<string, { required: string[]; properties: Record<string, Record<string, unknown>> }>;
}
const schema = (): Schema => JSON.parse(SCHEMA_TEXT) as Schema;

const validate: ValidateFunction = new Ajv2020({ strict: true, allErrors: true }).compile(schema());

/** What ajv finds wrong with a document after a trip through JSON: place and rule. */
function faults(result: RunResult): string[] {
  const document: unknown = JSON.parse(JSON.stringify(result));
  return validate(document)
    ? []
    : (validate.errors ?? []).map(({ instancePath, keyword }) => `${instancePath} ${keyword}`);
}

const results = new Map<string, RunResult>();
for (const id of SCENARIO_IDS) results.set(id, runUnder(await ownScenario(id)));

const fail = (): never => {
  throw new Error('a part that fails');
};

const LIMITS = `title: Limits, dead processes and failed steps
machine:
  title: Two nodes
  nodes:
    - { cpus: "0", memory: 256M }
    - { cpus: "", memory: 256M }
kernel: "KERNEL"
steps: |
  cgroup create /a
  cgroup create /a
  cgroup limit /a memory.max 64M
  spawn vmm
  spawn other
  cgroup move vmm /a
  vmm: vm create swprot
  vmm: memfd create ram 4M
  vmm: memfd map ram shared
  vmm: gmem create private 4M
  vmm: vm slot 0 0 4M ram 0 private 0
  vmm: vm attr 0 4M private
  vmm: gmem fallocate private 0 4M
  vmm: gmem policy private 0 4M bind 1
  vmm: mlock ram 0 1M
  snapshot limited
  vmm: exit
  snapshot over
`;

describe('the schema of result.json', () => {
  it.each(SCENARIO_IDS)('accepts %s under all named strategies', (id) => {
    const result = results.get(id)!;
    expect(result.strategies.map(({ name }) => name)).toEqual(PRESETS);
    expect(result.strategies.every(({ snapshots, error }) => snapshots.length > 0 && error === null)).toBe(
      true,
    );
    expect(faults(result)).toEqual([]);
  });

  it.each(['6.12', '6.18', '7.3'] as const)(
    'accepts limits, dead processes and failed steps on %s',
    async (kernel) => {
      const scenario = await scenarioFrom('limits.yaml', LIMITS.replace('KERNEL', kernel));
      const result = runUnder(scenario, [
        'page-cache',
        'tracker{oom=true,show=both,status=true}',
        'shadow-vma{per=range}',
        'tdp-fault{uncharge=false}+generic-rmap',
      ]);
      const [first, tracked] = result.strategies;
      // The script did what it is here for.
      expect(first!.steps.map(({ errno }) => errno)).toEqual(expect.arrayContaining(['EEXIST', 'ENODEV']));
      expect(first!.snapshots[0]!.facts.cgroups.find(({ path }) => path === '/a')).toMatchObject({
        maxBytes: 64 * 2 ** 20,
        highBytes: null,
      });
      const process = tracked!.snapshots[0]!.facts.processes.find(({ worker }) => worker === 'vmm')!;
      expect([process.extraStatus.length, Object.keys(process.extraFiles)]).toEqual([1, ['gmem']]);
      expect(faults(result)).toEqual([]);
    },
  );

  it('accepts the run of a part that threw', async () => {
    const plan = planOf('page-cache');
    const [placement, accounting, migration] = plan.parts;
    const broken = { ...accounting, part: { ...accounting.part, create: () => ({ folioAllocated: fail }) } };
    const result = runScenario({
      scenario: await scenarioFrom('limits.yaml', LIMITS.replace('KERNEL', '6.12')),
      plans: [{ ...plan, parts: [placement, broken, migration] }],
      version: '0.0.0',
    });
    expect(result.strategies[0]!.error).toMatchObject({ message: 'a part that fails', part: 'page-cache' });
    expect(faults(result)).toEqual([]);
  });
});

describe('the schema of result.json refuses', () => {
  const plant = (change: (result: RunResult) => void): string[] => {
    const result = structuredClone(results.get('talk-snp-10g')!);
    change(result);
    return faults(result);
  };
  const running = (result: RunResult): RunResult['strategies'][number]['snapshots'][number] =>
    result.strategies[0]!.snapshots[1]!;

  it.each<[string, (result: RunResult) => void, string]>([
    ['a missing section', (result) => void delete (result as Partial<RunResult>).machine, ' required'],
    [
      'a missing field deep inside',
      (result) =>
        void delete (running(result).facts.processes[0]!.vmas[0]!.smaps as { locked?: number }).locked,
      '/strategies/0/snapshots/1/facts/processes/0/vmas/0/smaps required',
    ],
    [
      'a text for a number',
      (result) => Object.assign(running(result).truth.processes[0]!, { pid: '6195' }),
      '/strategies/0/snapshots/1/truth/processes/0/pid type',
    ],
    [
      'a text for a counter',
      (result) => Object.assign(running(result).facts.nodes[2]!.counters, { nr_file_pages: '1' }),
      '/strategies/0/snapshots/1/facts/nodes/2/counters/nr_file_pages type',
    ],
    ['an extra key', (result) => Object.assign(result, { host: 'here' }), ' additionalProperties'],
    [
      'an extra key deep inside',
      (result) => Object.assign(running(result).facts.processes[0]!.vmas[0]!.numa, { huge: 1 }),
      '/strategies/0/snapshots/1/facts/processes/0/vmas/0/numa additionalProperties',
    ],
    [
      'a negative page count',
      (result) => void (running(result).facts.processes[0]!.rssFilePages = -1),
      '/strategies/0/snapshots/1/facts/processes/0/rssFilePages minimum',
    ],
    [
      'negative pages on a node',
      (result) => void (running(result).truth.holdings[0]!.nodePages[3] = -4),
      '/strategies/0/snapshots/1/truth/holdings/0/nodePages/3 minimum',
    ],
    [
      'part of a page',
      (result) => void (running(result).facts.nodes[0]!.totalPages = 0.5),
      '/strategies/0/snapshots/1/facts/nodes/0/totalPages type',
    ],
    [
      'a number that JSON cannot hold',
      (result) => void (running(result).facts.cgroups[0]!.currentBytes = NaN),
      '/strategies/0/snapshots/1/facts/cgroups/0/currentBytes type',
    ],
    [
      'null where there is always a value',
      (result) => Object.assign(result.strategies[0]!, { label: null }),
      '/strategies/0/label enum',
    ],
    ['another format', (result) => void (result.format = 2), '/format maximum'],
  ])('%s', (_, change, fault) => {
    expect(plant(change)).toEqual([fault]);
  });
});

/** Definitions that stand for a type of that name; the others are shorthands. */
const NAMED: readonly string[] = [
  'RunResult',
  ...Object.keys(schema().$defs).filter((name) => /^[A-Z]/.test(name)),
];

/** Where a type is declared. */
const FACTS = readFileSync(join(ROOT, 'src/procfs/facts.ts'), 'utf8');
const homeOf = (name: string): string =>
  new RegExp(`^export (interface|type) ${name}\\b`, 'm').test(FACTS) ? 'Facts' : 'Result';

const IMPORTS: readonly string[] = [
  `import type * as Result from ${JSON.stringify(join(ROOT, 'src/result/types.ts'))};`,
  `import type * as Facts from ${JSON.stringify(join(ROOT, 'src/procfs/facts.ts'))};`,
  // Identity, not assignability: an optional field more or less would go unseen.
  'type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;',
];

/** For each schema the definitions that stand for another type than the one of their name, by the compiler's word. */
async function drift(schemas: readonly Schema[]): Promise<string[][]> {
  const dir = mkdtempSync(join(tmpdir(), 'gmemlab-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const check = [...IMPORTS];
  const found: string[][] = schemas.map(() => []);
  const lines = new Map<number, { at: number; name: string }>();
  for (const [at, each] of schemas.entries()) {
    // An object that the schema leaves open gets an index signature here, and differs by that.
    const options = { ignoreMinAndMaxItems: true, bannerComment: '' };
    writeFileSync(
      join(dir, `schema${at}.ts`),
      await compile({ ...each, title: 'RunResult' } as JSONSchema, 'RunResult', options),
    );
    check.push(`import type * as Schema${at} from './schema${at}.ts';`);
    for (const name of NAMED) {
      const same = `Same<${homeOf(name)}.${name}, Schema${at}.${name}>`;
      lines.set(check.push(`export const same${at}${name}: ${same} = true;`), { at, name });
    }
  }
  writeFileSync(join(dir, 'check.ts'), check.join('\n'));
  const flags = '--noEmit --strict --target es2023 --module esnext --moduleResolution bundler --skipLibCheck';
  const { stdout, exitCode } = await execa(
    'tsc',
    [...flags.split(' '), '--allowImportingTsExtensions', 'check.ts'],
    { cwd: dir, preferLocal: true, localDir: ROOT, reject: false },
  );
  for (const error of stdout.split('\n').filter((line) => line !== '')) {
    const line = lines.get(Number(/^check\.ts\((\d+),\d+\): error TS2322: /.exec(error)?.[1]));
    if (!line) throw new Error(stdout);
    found[line.at]!.push(line.name);
  }
  expect(exitCode === 0).toBe(found.flat().length === 0);
  return found;
}

describe('the schema and the types', () => {
  it('say the same, definition by definition', async () => {
    expect(await drift([schema()])).toEqual([[]]);
  });

  it('cannot drift apart unseen', async () => {
    const drifts: Readonly<Record<string, (of: Schema['$defs'][string]) => void>> = {
      SmapsFacts: (of) => {
        delete of.properties['locked'];
        of.required = of.required.filter((name) => name !== 'locked');
      },
      VmaFacts: ({ properties }) => void (properties['extra'] = { type: 'string' }),
      FdFacts: ({ required }) => void required.pop(),
      CgroupFacts: ({ properties }) => void (properties['maxBytes']!['type'] = 'integer'),
      StepResult: ({ properties }) => void (properties['errno']!['enum'] as string[]).pop(),
      Holding: (of) => Object.assign(of, { additionalProperties: true }),
    };
    const schemas = Object.entries(drifts).map(([name, change]) => {
      const drifted = schema();
      change(drifted.$defs[name]!);
      return drifted;
    });
    const found = await drift(schemas);
    // Also seen from the top, however deep it is.
    for (const [at, name] of Object.keys(drifts).entries()) {
      expect(found[at]).toEqual(expect.arrayContaining([name, 'RunResult']));
    }
  });
});
