import { linkSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ReportDirectory } from '../../src/cli/report-directory.ts';
import { workspace } from './gmemlab.ts';

vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  return { ...fs, linkSync: vi.fn<typeof fs.linkSync>(fs.linkSync) };
});

afterEach(() => vi.mocked(linkSync).mockClear());

const PATHS = ['a/now/proc/meminfo', 'b/now/proc/meminfo', 'b/later/proc/meminfo'];

async function written(): Promise<string> {
  const directory = new ReportDirectory(join(workspace({}), 'report'));
  directory.write(PATHS, 'MemTotal: 1 kB\n');
  expect(directory.fileCount).toBe(PATHS.length);
  await directory.commit();
  return directory.name;
}

const inodes = (dir: string): Set<number> => new Set(PATHS.map((path) => statSync(join(dir, path)).ino));
const texts = (dir: string): string[] => PATHS.map((path) => readFileSync(join(dir, path), 'utf8'));

const refusal = (code: string): Error => Object.assign(new Error(`${code}: link`), { code });

describe('a file that stands at several paths of a report', () => {
  it('is stored once', async () => {
    const dir = await written();
    expect(texts(dir)).toEqual(PATHS.map(() => 'MemTotal: 1 kB\n'));
    expect(inodes(dir).size).toBe(1);
    rmSync(join(dir, 'a'), { recursive: true });
    expect(readFileSync(join(dir, PATHS[2]!), 'utf8')).toBe('MemTotal: 1 kB\n');
  });

  it.each(['EPERM', 'EMLINK', 'EOPNOTSUPP'])(
    'is copied where a second name is refused (%s)',
    async (code) => {
      vi.mocked(linkSync).mockImplementationOnce(() => {
        throw refusal(code);
      });
      const dir = await written();
      expect(texts(dir)).toEqual(PATHS.map(() => 'MemTotal: 1 kB\n'));
      // The copy is what the next path becomes a name of.
      expect(inodes(dir).size).toBe(2);
    },
  );

  it('is an error where the disk is full', async () => {
    vi.mocked(linkSync).mockImplementationOnce(() => {
      throw refusal('ENOSPC');
    });
    await expect(written()).rejects.toThrow('ENOSPC');
  });
});
