/** Something wrong with what the user gave: printed without a stack, exit status 2, nothing ran. */
export class InputError extends Error {
  override name = 'InputError';
  /** Everything that is wrong, each as one or several whole lines. */
  readonly problems: readonly string[];
  /** Whether the usage is to blame, so that the verb's help is worth a look. */
  readonly isUsage: boolean;

  constructor(problems: readonly string[], { isUsage = false }: { isUsage?: boolean | undefined } = {}) {
    super(problems.join('\n'));
    this.problems = problems;
    this.isUsage = isUsage;
  }
}

/** Words for a failed file operation: `permission denied (EACCES)`. */
export function fileErrorWords(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  const words = WORDS[code ?? ''];
  return words === undefined ? message : `${words} (${code})`;
}

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  ENOENT: 'no such file or directory',
  ENOTDIR: 'a part of the path is no directory',
  EISDIR: 'is a directory',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left',
  ENAMETOOLONG: 'the name is too long',
  ELOOP: 'too many symbolic links',
};
