import { datasetNames } from './find-file.ts';

/** Names that may stand where the user types: scenarios behind `run` and `compare`, strategies behind `--strategy`. */
export async function completeNames(current: string, line: readonly unknown[]): Promise<string[]> {
  const previous = String(line.at(-2) ?? '');
  if (previous === '--strategy' || previous === '--reference') {
    const { CATALOGUE } = await import('../../strategies/index.ts');
    return CATALOGUE.presets.map(({ name }) => name).filter((name) => name.startsWith(current));
  }
  if (current.startsWith('-') || !line.some((word) => word === 'run' || word === 'compare')) return [];
  return datasetNames('scenarios').filter((name) => name.startsWith(current));
}
