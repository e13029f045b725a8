import { renderMapsLine } from '../procfs/maps.ts';
import { renderNumaMapsLine, type NumaMapsVma } from '../procfs/numa-maps.ts';
import { renderSmaps, type SmapsVma } from '../procfs/smaps.ts';
import { noiseFor, type NoiseContext } from './noise.ts';
import type { ProcessReading } from './process-reading.ts';
import { referencedByChance, type ReferencedConditions } from './referenced-noise.ts';
import type { Tally } from './tally.ts';

/** What the comparison of one worker's texts needs. */
export interface ProcessComparison {
  kernel: ProcessReading;
  model: ProcessReading;
  /** Moves the tally to a file of this worker. */
  goTo: (name: string) => void;
  context: NoiseContext;
  referencedConditions: ReferencedConditions;
  /** Whether the kernel has soft-dirty bits at all. */
  hasSoftDirty: boolean;
}

/** Compares the mappings that steps made, line by line and token by token. */
export function compareMappings(tally: Tally, comparison: ProcessComparison): void {
  const { kernel, model, goTo } = comparison;
  const ofModel = new Map(model.vmas.map((vma) => [vma.start, vma]));
  goTo('maps');
  for (const vma of kernel.vmas) {
    compareHeader(tally, vma, ofModel.get(vma.start));
  }
  const known = new Set([...kernel.vmas, ...kernel.ownVmas].map((vma) => vma.start));
  for (const vma of [...model.vmas, ...model.ownVmas]) {
    if (!known.has(vma.start)) compareHeader(tally, null, vma);
  }
  goTo('smaps');
  for (const vma of kernel.vmas) compareEntry(tally, comparison, vma, ofModel.get(vma.start));
  goTo('numa_maps');
  for (const vma of kernel.vmas) {
    const line = kernel.numaLines.get(vma.start);
    const other = ofModel.has(vma.start) ? model.numaLines.get(vma.start) : undefined;
    if (line || other) compareNumaLine(tally, comparison, line ?? null, other ?? null);
  }
  compareOwnPolicy(tally, comparison);
}

/** The maps line without what is no memory: the inode number. */
const headerOf = (vma: SmapsVma): string => renderMapsLine({ ...vma, inode: 0 });
const hex = (address: number): string => address.toString(16);

function compareHeader(tally: Tally, kernel: SmapsVma | null, model: SmapsVma | undefined): void {
  tally.text({
    fieldClass: 'maps',
    field: hex((kernel ?? model)!.start),
    name: 'line',
    kernel: kernel && headerOf(kernel),
    model: model ? headerOf(model) : null,
  });
}

/** Lines of an smaps entry after its header, by label. */
function entryLines(vma: SmapsVma, hasSoftDirty: boolean): Map<string, string> {
  const vmFlags = hasSoftDirty ? vma.vmFlags : vma.vmFlags.filter((code) => code !== 'sd');
  const lines = renderSmaps([{ ...vma, vmFlags }])
    .split('\n')
    .slice(1, -1);
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line]));
}

/** The number of an smaps line; NaN where it has none. */
const kbOf = (line: string | null): number => Number(/^\w+: +(\d+) kB$/.exec(line ?? '')?.[1] ?? Number.NaN);

/** The context of a mapping, or of a whole process. */
export function withReferenced(
  { context, referencedConditions }: ProcessComparison,
  kernel: SmapsVma['smaps'] | undefined,
  model: SmapsVma['smaps'] | undefined,
): NoiseContext {
  if (!kernel || !model) return context;
  return { ...context, referenced: referencedByChance(referencedConditions, kernel, model) };
}

function compareEntry(
  tally: Tally,
  comparison: ProcessComparison,
  kernel: SmapsVma,
  model: SmapsVma | undefined,
): void {
  const { hasSoftDirty } = comparison;
  const context = withReferenced(comparison, kernel.smaps, model?.smaps);
  const ofModel = model ? entryLines(model, hasSoftDirty) : new Map<string, string>();
  const ofKernel = entryLines(kernel, hasSoftDirty);
  for (const label of new Set([...ofKernel.keys(), ...ofModel.keys()])) {
    const compared = {
      fieldClass: 'smaps' as const,
      field: `${hex(kernel.start)} ${label}`,
      name: label,
      kernel: ofKernel.get(label) ?? null,
      model: ofModel.get(label) ?? null,
      isIdle: /: +0( kB)?$/.test(ofKernel.get(label) ?? ''),
    };
    const { bound, ids } = noiseFor('smaps', label, context);
    const difference = Math.abs(kbOf(compared.kernel) - kbOf(compared.model));
    if (compared.kernel !== compared.model && difference <= bound) tally.add(compared, ids);
    else tally.text(compared);
  }
}

/** The tokens of a numa_maps line by name; those without a value stand for themselves. */
function tokensOf(line: NumaMapsVma | null): Map<string, string> {
  const tokens = new Map<string, string>();
  if (!line) return tokens;
  const text = renderNumaMapsLine(line);
  tokens.set('policy', line.policy);
  // Policy names may hold blanks, so that only what follows them is split.
  const rest = text.slice(text.indexOf(' ') + 1 + line.policy.length).trim();
  for (const token of rest.split(' ')) {
    if (token === '') continue;
    const [name, value] = token.split('=', 2);
    tokens.set(name!, value ?? name!);
  }
  tokens.set('pages', String(line.numa.pages));
  return tokens;
}

function compareNumaLine(
  tally: Tally,
  { context }: ProcessComparison,
  kernel: NumaMapsVma | null,
  model: NumaMapsVma | null,
): void {
  const ofKernel = tokensOf(kernel);
  const ofModel = tokensOf(model);
  const words = (line: NumaMapsVma | null): string | null => line && renderNumaMapsLine(line);
  const start = hex((kernel ?? model)!.start);
  // Only lines with pages have it: whether there are some is compared for itself.
  if (kernel?.numa.pages === 0 || model?.numa.pages === 0) {
    ofKernel.delete('kernelpagesize_kB');
    ofModel.delete('kernelpagesize_kB');
  }
  for (const name of new Set([...ofKernel.keys(), ...ofModel.keys()])) {
    const expected = ofKernel.get(name);
    const given = ofModel.get(name);
    const compared = {
      fieldClass: 'numa_maps' as const,
      field: `${start} ${name}`,
      name: name.replace(/^N\d+$/, 'N<node>'),
      kernel: words(kernel),
      model: words(model),
    };
    if (expected === given) tally.add(compared, 'exact');
    else tally.add(compared, splitNoise(name, expected, given, kernel, context));
  }
}

/** Only the split between nodes can be off, by interleaving where the policy says so; the line's page count is compared exactly. */
function splitNoise(
  name: string,
  kernel: string | undefined,
  model: string | undefined,
  line: NumaMapsVma | null,
  context: NoiseContext,
): 'off' | string[] {
  if (!line) return 'off';
  const interleaves = context.interleaves && /interleave/.test(line.policy);
  const { bound, ids } = noiseFor('numa_maps', name, { ...context, interleaves });
  const difference = Math.abs(Number(kernel ?? 0) - Number(model ?? 0));
  return difference <= bound && ids.length > 0 ? ids : 'off';
}

/** Own mappings without a policy of their own show the task's. Compared where the model has own mappings, too. */
function compareOwnPolicy(tally: Tally, { kernel, model }: ProcessComparison): void {
  const own = kernel.ownVmas.find((vma) => model.ownVmas.some(({ start }) => start === vma.start));
  if (!own) return;
  tally.text({
    fieldClass: 'numa_maps',
    field: `${hex(own.start)} policy of the task`,
    name: 'policy of the task',
    kernel: kernel.numaLines.get(own.start)?.policy ?? null,
    model: model.numaLines.get(own.start)?.policy ?? null,
  });
}
