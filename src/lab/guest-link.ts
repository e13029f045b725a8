import type { Socket } from 'node:net';
import { ERRNO, ERRNO_NAMES } from '../units/errno.ts';
import { constants } from 'node:os';

/** What the guest answered to a request. */
export interface Reply {
  ret: number;
  /** Name of the errno; empty on success. */
  errno: string;
  message: string;
  /** Files that came with the answer, by the names that the request gave them. */
  files: Map<string, string>;
}

/** A guest that went away in the middle of a request. */
export class GuestLost extends Error {
  override name = 'GuestLost';
}

const NEWLINE = 10;

/** The line to the agent in the guest: one request at a time, answered before the next. */
export class GuestLink {
  readonly #socket: Socket;
  #buffer: Buffer = Buffer.alloc(0);
  #files = new Map<string, string>();
  #waiting: { resolve: (reply: Reply) => void; reject: (error: Error) => void } | null = null;
  #lost: Error | null = null;

  /** `ended` resolves to words for how the guest ended. */
  constructor(socket: Socket, ended: Promise<string>) {
    this.#socket = socket;
    // What happens to the connection is a consequence: the words of `ended` say more.
    socket.on('error', () => undefined);
    void ended.then((words) => this.lose(words));
    socket.on('data', (bytes: Buffer) => {
      this.#buffer = this.#buffer.length === 0 ? bytes : Buffer.concat([this.#buffer, bytes]);
      this.#parse();
    });
  }

  /** Asks a worker (or `-`, the controller) for an operation. */
  async ask(who: string, words: readonly (string | number)[]): Promise<Reply> {
    const reply = this.next();
    this.#socket.write(`${who} ${words.join(' ')}\n`);
    return reply;
  }

  /** The next answer, without a request: the greeting. */
  async next(): Promise<Reply> {
    if (this.#waiting) throw new Error('one request at a time');
    if (this.#lost) throw this.#lost;
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#parse();
    });
  }

  /** Fails what is being waited for, and everything that comes after. */
  lose(words: string): void {
    this.#lost ??= new GuestLost(words);
    this.#waiting?.reject(this.#lost);
    this.#waiting = null;
  }

  #parse(): void {
    for (;;) {
      const end = this.#buffer.indexOf(NEWLINE);
      if (end < 0) return;
      const line = this.#buffer.toString('utf8', 0, end);
      const file = /^\+(\d+) (.*)$/.exec(line);
      if (file) {
        const stop = end + 1 + Number(file[1]);
        if (this.#buffer.length < stop) return;
        this.#files.set(file[2]!, this.#buffer.toString('utf8', end + 1, stop));
        this.#buffer = this.#buffer.subarray(stop);
        continue;
      }
      const answer = /^\.(-?\d+) (\d+) (.*)$/.exec(line);
      if (!answer) return this.lose(`the guest sent "${line}"`);
      if (!this.#waiting) return;
      this.#buffer = this.#buffer.subarray(end + 1);
      const { resolve } = this.#waiting;
      this.#waiting = null;
      const files = this.#files;
      this.#files = new Map();
      resolve({ ret: Number(answer[1]), errno: errnoName(Number(answer[2])), message: answer[3]!, files });
    }
  }
}

function errnoName(number: number): string {
  if (number === 0) return '';
  const known = ERRNO_NAMES.find((name) => ERRNO[name] === number);
  const other = Object.entries(constants.errno).find(([, value]) => value === number);
  return known ?? other?.[0] ?? `E${number}`;
}
