import { FIELD_CLASSES, type FieldClassName } from './field-class.ts';
import { outOfScope } from './out-of-scope.ts';

/** How many fields of a class were compared, and how it went: compared = exact + noise + off. */
export interface ClassCount {
  compared: number;
  exact: number;
  noise: number;
  off: number;
}

/** A field where the model disagrees with the kernel. */
export interface Offence {
  fieldClass: FieldClassName;
  /** Step of the script: of the failing step, or of the snapshot. */
  step: number;
  /** Snapshot label; null for a step's result. */
  snapshot: string | null;
  /** File of the snapshot, or the step's line. */
  where: string;
  field: string;
  /** What the kernel said and what the model says, as lines; null where one of them says nothing. */
  kernel: string | null;
  model: string | null;
}

/** How a field that is neither equal nor off was excused. */
export type Judgement = 'exact' | 'off' | readonly string[];

/** Where a comparison stands. */
export interface Place {
  step: number;
  snapshot: string | null;
  where: string;
}

/** A field with both sides' words for it. */
export interface ComparedField {
  fieldClass: FieldClassName;
  field: string;
  /** Name under which the list of fields out of scope knows it; default: the field. */
  name?: string;
  kernel: string | null;
  model: string | null;
}

/** Collects what a comparison finds. */
export class Tally {
  readonly counts: Map<FieldClassName, ClassCount> = new Map<FieldClassName, ClassCount>();
  /** How often each noise class excused a difference. */
  readonly excuses: Map<string, number> = new Map<string, number>();
  readonly offences: Offence[] = [];
  #place: Place = { step: 0, snapshot: null, where: '' };

  /** File or step at which the comparison stands. */
  get where(): string {
    return this.#place.where;
  }

  /** Says where the fields that follow stand. */
  at(place: Place): void {
    this.#place = place;
  }

  /** Counts a field; one out of scope is not compared at all. */
  add(compared: ComparedField, judgement: Judgement): void {
    const { fieldClass, field, name = field, kernel, model } = compared;
    if (outOfScope(fieldClass, name)) return;
    let count = this.counts.get(fieldClass);
    if (!count) this.counts.set(fieldClass, (count = { compared: 0, exact: 0, noise: 0, off: 0 }));
    count.compared++;
    if (judgement === 'exact') count.exact++;
    else if (judgement === 'off') {
      count.off++;
      this.offences.push({ fieldClass, ...this.#place, field, kernel, model });
    } else {
      count.noise++;
      for (const id of judgement) this.excuses.set(id, (this.excuses.get(id) ?? 0) + 1);
    }
  }

  /** Counts a field that must be the same text on both sides. */
  text(compared: ComparedField): void {
    this.add(compared, compared.kernel === compared.model ? 'exact' : 'off');
  }

  /** The counts in the order of the classes, those without a field left out. */
  classCounts(): { fieldClass: FieldClassName; count: ClassCount }[] {
    return FIELD_CLASSES.flatMap((fieldClass) => {
      const count = this.counts.get(fieldClass);
      return count ? [{ fieldClass, count }] : [];
    });
  }
}
