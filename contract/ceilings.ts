/** Ceilings of what a run may take, and the one that it reached. */
import type { CeilingsSpec } from '../recipes/fields/ceiling-fields.ts';

export type { CeilingsSpec };

export interface CeilingReached {
  readonly ceiling: keyof CeilingsSpec;
  readonly found: number;
  readonly allowed: number;
  /** Steps that the run did, of those that its recipe names. */
  readonly stepCount: number;
}

/** What a run has taken so far, as its activities recorded it. */
export interface Taken {
  /** Unix time of the first recorded end of an activity, and of the newest; only with a ceiling of time. */
  readonly firstMs?: number;
  readonly newestMs?: number;
  readonly byteLength: number;
}
