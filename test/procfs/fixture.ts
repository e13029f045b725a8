import { readFileSync } from 'node:fs';

/** Text of a file that a real kernel or tool printed (Linux 6.12 unless the name says otherwise). */
export function fixture(name: string): string {
  return readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8');
}
