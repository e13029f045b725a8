/** Linux errno values used by the modelled calls (asm-generic numbering). */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  EBADF: 9,
  ECHILD: 10,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  EBUSY: 16,
  EEXIST: 17,
  ENODEV: 19,
  ENOTDIR: 20,
  EINVAL: 22,
  EMFILE: 24,
  EFBIG: 27,
  ENOSPC: 28,
  ESPIPE: 29,
  ERANGE: 34,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  EPROTO: 71,
  EOPNOTSUPP: 95,
  ECONNRESET: 104,
  ETIMEDOUT: 110,
  EHWPOISON: 133,
} as const;

/** Name of an errno, e.g. `ENOMEM`. */
export type Errno = keyof typeof ERRNO;

/** The names, for messages that list the valid choices. */
export const ERRNO_NAMES: readonly Errno[] = Object.keys(ERRNO) as Errno[];
