/**
 * Whether a run has taken as much as its recipe allows. Times are those that activities recorded with their results, so
 * that a replay decides the same.
 */
import type { CeilingReached, CeilingsSpec, Taken } from '../../contract/ceilings.ts';

export class RunCeilings {
  readonly #spec: CeilingsSpec;
  #taken: Taken;

  constructor(spec: CeilingsSpec = {}, carried: Taken = { byteLength: 0 }) {
    this.#spec = spec;
    this.#taken = carried;
  }

  /** Asks activities for the time of their end; nothing without a ceiling of time. */
  get asked(): { readonly isTimed?: true } {
    return this.#spec.wallMsMax === undefined ? {} : { isTimed: true };
  }

  get carried(): { readonly taken?: Taken } {
    return Object.keys(this.#spec).length === 0 ? {} : { taken: this.#taken };
  }

  /** Steps after which the run ends, if that is before its last one. */
  stopBefore(stepCount: number): { readonly stopBeforeStep?: number } {
    const { stepCountMax = stepCount } = this.#spec;
    return stepCountMax < stepCount ? { stopBeforeStep: stepCountMax } : {};
  }

  took({ endedAtMs, byteLength = 0 }: { readonly endedAtMs?: number; readonly byteLength?: number }): void {
    const { firstMs = endedAtMs } = this.#taken;
    this.#taken = {
      ...this.#taken,
      byteLength: this.#taken.byteLength + byteLength,
      ...(endedAtMs !== undefined && { newestMs: endedAtMs }),
      ...(firstMs !== undefined && { firstMs }),
    };
  }

  /** The ceiling that the run has reached after `step` of `stepCount` steps, if it ends because of it. */
  reached(step: number, stepCount: number): CeilingReached | undefined {
    const { wallMsMax, byteLengthMax, stepCountMax } = this.#spec;
    const { firstMs = 0, newestMs = firstMs, byteLength } = this.#taken;
    const found = { stepCountMax: step, wallMsMax: newestMs - firstMs, byteLengthMax: byteLength };
    const allowed = { stepCountMax, wallMsMax, byteLengthMax };
    if (step >= stepCount) return undefined;
    for (const ceiling of ['stepCountMax', 'wallMsMax', 'byteLengthMax'] as const) {
      const limit = allowed[ceiling];
      if (limit !== undefined && found[ceiling] >= limit)
        return { ceiling, found: found[ceiling], allowed: limit, stepCount: step };
    }
    return undefined;
  }
}
