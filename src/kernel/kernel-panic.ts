/** The kernel stops: out of memory, and nobody left to kill (mm/oom_kill.c:out_of_memory). What was reported before stands. */
export class KernelPanic extends Error {
  constructor(reason: string) {
    super(`Kernel panic - not syncing: ${reason}`);
    this.name = 'KernelPanic';
  }
}
