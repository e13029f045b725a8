/** Changes to KVM that were posted and not merged, and that a scenario may ask for. Whatever hangs on them is hypothetical. */
export interface Proposals {
  /** gmem files whose size is a multiple of 2 MiB are filled with folios of that size, and mapped so into the guest. */
  gmemHugePages: boolean;
  /**
   * A gmem that can be mapped keeps for each page whether it is private or shared, and guests of any type get both kinds from it, so that
   * a conversion leaves the page where it is.
   */
  inPlaceConversion: boolean;
}

export const NO_PROPOSALS: Proposals = { gmemHugePages: false, inPlaceConversion: false };
