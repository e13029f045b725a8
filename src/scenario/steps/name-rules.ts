/** How the controller is called in results: no worker may be. */
export const RESERVED_WORKER = 'ctl';

/** Stands where an object may be left out. */
export const NO_OBJECT = 'none';

/** What a script may call things. */
export type NameKind = 'object' | 'worker' | 'cgroup' | 'label' | 'file name';

interface NameRule {
  pattern: RegExp;
  words: string;
}

/** Objects start with a letter, so that no size can be taken for one; labels and file names become names of directories and files. */
export const NAME_RULES: Readonly<Record<NameKind, NameRule>> = {
  object: {
    pattern: /^(?!none$)[A-Za-z_][\w.-]*$/,
    words: 'a letter, then letters, digits, _, . and - (but not "none")',
  },
  worker: {
    pattern: /^(?!ctl$)\w[\w.-]{0,30}$/,
    words: 'up to 31 letters, digits, _, . and - (but not "ctl")',
  },
  cgroup: {
    pattern: /^(?:\/|(?:\/(?!\.\.?(?:\/|$))[^/\s]+)+)$/,
    words: 'a path from the root of the hierarchy, as in /machine/vm1',
  },
  label: {
    pattern: /^\w[\w.,+@-]{0,99}$/,
    words: 'up to 100 letters, digits and _ . , + @ -, since it names a directory',
  },
  'file name': {
    pattern: /^\w[\w.,+@-]{0,99}$/,
    words: 'up to 100 letters, digits and _ . , + @ -',
  },
};
