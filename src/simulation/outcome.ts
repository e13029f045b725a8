import type { Errno } from '../units/errno.ts';

/** How a step ended: what the system call returned, and the words that go with it. */
export interface Outcome {
  ret: number;
  errno: Errno | '';
  message: string;
}

/** Success with a return value. */
export const done = (ret = 0, message = ''): Outcome => ({ ret, errno: '', message });

/** Failure: -1 with an errno. */
export const failed = (errno: Errno, message = ''): Outcome => ({ ret: -1, errno, message });

/** 0 or an errno, as most calls answer. */
export const answered = (errno: Errno | 0, message = ''): Outcome =>
  errno === 0 ? done(0, message) : failed(errno, message);
