/** Names without SIG of the signals 1 to 31 on x86. */
const NAMES: readonly string[] = (
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT ' +
  'CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH POLL PWR SYS'
).split(' ');
/** The largest number of a real-time signal. */
const LAST = 64;
/** What a worker ignores (PIPE, as its controller does) or is told nothing by, and what stops and continues it, which moves no memory. */
const HARMLESS: ReadonlySet<string> = new Set('PIPE CHLD CONT URG WINCH STOP TSTP TTIN TTOU'.split(' '));

/** Name of a signal; real-time signals have none. */
export const signalName = (signal: number): string => NAMES[signal - 1] ?? String(signal);

/** Whether there is such a signal; 0 asks for the process alone. */
export const isSignal = (signal: number): boolean => signal >= 0 && signal <= LAST;

/** Whether a signal that nobody handles ends a process. */
export const isDeadly = (signal: number): boolean => signal > 0 && !HARMLESS.has(signalName(signal));
