/**
 * Whether a run has taken as much as its recipe allows. Times are those that activities recorded with their results, so
 * that a replay decides the same.
 */
import type { CeilingReached, CeilingsSpec, Taken } from '../../contract/ceilings.ts';

const ceilingNames = ['stepCountMax', 'wallMsMax', 'byteLengthMax'] as const;

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

  /** Where a ceiling of steps ends the run; undefined if that is not before its last step. */
  stopOf(stepCount: number): { readonly stopBeforeStep: number } | undefined {
    const { stepCountMax = stepCount } = this.#spec;
    return stepCountMax < stepCount ? { stopBeforeStep: stepCountMax } : undefined;
  }

  /** Whether no further step may begin. Steps are counted by the budget, which an operator may change. */
  get isUsedUp(): boolean {
    const { wallMsMax, byteLengthMax } = this.#found;
    return this.#isReached('wallMsMax', wallMsMax) || this.#isReached('byteLengthMax', byteLengthMax);
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
    const found = { stepCountMax: step, ...this.#found };
    const ceiling = ceilingNames.find((name) => this.#isReached(name, found[name]));
    if (ceiling === undefined || step >= stepCount) return undefined;
    return { ceiling, found: found[ceiling], allowed: this.#spec[ceiling] ?? 0, stepCount: step };
  }

  get #found(): { readonly wallMsMax: number; readonly byteLengthMax: number } {
    const { firstMs = 0, newestMs = firstMs, byteLength } = this.#taken;
    return { wallMsMax: newestMs - firstMs, byteLengthMax: byteLength };
  }

  #isReached(ceiling: keyof CeilingsSpec, found: number): boolean {
    return found >= (this.#spec[ceiling] ?? Infinity);
  }
}
