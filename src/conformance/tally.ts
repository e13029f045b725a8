import type { FieldCount } from '../result/verification.ts';
import { FIELD_CLASSES, type FieldClassName } from './field-class.ts';
import { outOfScope } from './out-of-scope.ts';

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
  /** Name of the field wherever it occurs, by which it is counted and kept out of scope; default: the field. */
  name?: string;
  /** An idle model would not be off either: the kernel's number is no further from zero, or from the one before, than noise allows. */
  isIdle?: boolean;
  kernel: string | null;
  model: string | null;
}

/** Collects what a comparison finds. */
export class Tally {
  /** By class and field name. */
  readonly counts: Map<FieldClassName, Map<string, FieldCount>> = new Map<
    FieldClassName,
    Map<string, FieldCount>
  >();
  /** How often each noise class excused a difference. */
  readonly excuses: Map<string, number> = new Map<string, number>();
  readonly offences: Offence[] = [];
  #place: Place = { step: 0, snapshot: null, where: '' };

  /** Where the comparison stands. */
  get place(): Place {
    return this.#place;
  }

  /** Says where the fields that follow stand. */
  at(place: Place): void {
    this.#place = place;
  }

  /** Counts a field; one out of scope is not compared at all. */
  add(compared: ComparedField, judgement: Judgement): void {
    const { fieldClass, field, name = field, kernel, model, isIdle = false } = compared;
    if (outOfScope(fieldClass, name)) return;
    const count = this.#countOf(fieldClass, name);
    count.compared++;
    if (!isIdle) count.moved++;
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

  /** The counts by field name, in the order of the classes; classes without a field are left out. */
  fieldCounts(): ClassFields[] {
    return FIELD_CLASSES.flatMap((fieldClass) => {
      const fields = this.counts.get(fieldClass);
      return fields ? [{ fieldClass, fields }] : [];
    });
  }

  /** The same, summed over the fields of a class. */
  classCounts(): { fieldClass: FieldClassName; count: FieldCount }[] {
    return this.fieldCounts().map(({ fieldClass, fields }) => ({
      fieldClass,
      count: sumCounts(fields.values()),
    }));
  }

  #countOf(fieldClass: FieldClassName, name: string): FieldCount {
    let fields = this.counts.get(fieldClass);
    if (!fields) this.counts.set(fieldClass, (fields = new Map()));
    let count = fields.get(name);
    if (!count) fields.set(name, (count = { ...NOTHING }));
    return count;
  }
}

/** The fields of a class by name, with how their comparison went. */
export interface ClassFields {
  fieldClass: FieldClassName;
  fields: ReadonlyMap<string, FieldCount>;
}

const NOTHING: FieldCount = { compared: 0, moved: 0, exact: 0, noise: 0, off: 0 };

/** Adds counts up. */
export function sumCounts(counts: Iterable<FieldCount>): FieldCount {
  const sum = { ...NOTHING };
  for (const count of counts) {
    for (const key of Object.keys(sum) as (keyof FieldCount)[]) sum[key] += count[key];
  }
  return sum;
}
