/** Changes to KVM that were posted and not merged, and that a scenario may ask for. Whatever hangs on them is hypothetical. */
export interface Proposals {
  /** gmem files whose size is a multiple of 2 MiB are filled with folios of that size, and mapped so into the guest. */
  gmemHugePages: boolean;
}
