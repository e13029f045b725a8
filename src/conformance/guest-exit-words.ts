/** Reasons that the model knows (include/uapi/linux/kvm.h). */
const REASONS: ReadonlyMap<number, string> = new Map([
  [6, 'KVM_EXIT_MMIO'],
  [17, 'KVM_EXIT_INTERNAL_ERROR'],
]);
const MEMORY_FAULT = 39;
/** KVM_MEMORY_EXIT_FLAG_PRIVATE. */
const PRIVATE = 8n;

/**
 * Why a guest stopped, in the model's words. The agent of some captures prints numbers and registers instead: the reason of an exit that
 * it did not expect, or that of a KVM_RUN that failed, with flags and address of a memory fault. Other messages stay as they are.
 */
export function guestExitWords(message: string): string {
  const unexpected = /^(?:unexpected )?exit_reason=(\d+)$/.exec(message);
  if (unexpected) return REASONS.get(Number(unexpected[1])) ?? `exit_reason=${unexpected[1]}`;
  const failed = /^KVM_RUN failed exit_reason=(\d+) .*mf\.flags=(0x[0-9a-f]+) mf\.gpa=(0x[0-9a-f]+)$/.exec(
    message,
  );
  if (!failed) return message;
  const [, reason, flags, gpa] = failed;
  if (Number(reason) !== MEMORY_FAULT) return `exit_reason=${reason}`;
  return `KVM_EXIT_MEMORY_FAULT ${(BigInt(flags!) & PRIVATE) === 0n ? 'shared' : 'private'} gpa=${gpa}`;
}
