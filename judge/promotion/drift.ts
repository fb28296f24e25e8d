/**
 * Drift of a promoted judge: whether its agreement with a freshly labelled sample is still what the gate asked, by the
 * 95 % interval of each score. A sample that is too small to tell is said to be.
 */
import { MtrlError } from '../../core/errors.ts';
import type { JudgeScores } from '../scoring/score-judges.ts';
import { type GateMinimum, minimumText } from './gate.ts';

/** What the gate of a promoted version asked of one task, and what it found. */
export interface AskedOfTask {
  readonly minimums: readonly (GateMinimum & {
    /** Value at the promotion; absent if the gate did not keep it. */
    readonly atPromotion?: number;
  })[];
  readonly unparsableRateMax: number;
}

/** `fallen`: the whole interval is beyond the limit. `held`: none of it. `open`: the limit is inside. */
export type DriftState = 'held' | 'fallen' | 'open';

export interface DriftCheck {
  /** The rule in words: `macroF1 of pair-up at least 0.8`. */
  readonly rule: string;
  readonly value: number;
  readonly ci95: readonly [number, number];
  readonly limit: number;
  readonly atPromotion?: number;
  readonly state: DriftState;
}

/** Throws EVALUATION_MISSING for a score that the sample does not show. */
export function driftChecks(
  task: string,
  { minimums, unparsableRateMax }: AskedOfTask,
  { scores, intervals }: Pick<JudgeScores, 'scores' | 'intervals'>,
): DriftCheck[] {
  const agreement = minimums.map((minimum): DriftCheck => {
    const { metric, atLeast: limit, atPromotion } = minimum;
    const [value, ci95] = [scores[metric], intervals[metric]];
    if (value === undefined || ci95 === undefined) throw unmeasured(task, metric);
    const state = ci95[1] < limit ? 'fallen' : ci95[0] >= limit ? 'held' : 'open';
    return { rule: minimumText(minimum), value, ci95, limit, state, ...(atPromotion !== undefined && { atPromotion }) };
  });
  const [value, ci95] = [scores.unparsableRate, intervals['unparsableRate']];
  if (ci95 === undefined) throw unmeasured(task, 'unparsableRate');
  const state = ci95[0] > unparsableRateMax ? 'fallen' : ci95[1] <= unparsableRateMax ? 'held' : 'open';
  const rule = `unparsable answers to ${task} at most ${String(unparsableRateMax)}`;
  return [...agreement, { rule, value, ci95, limit: unparsableRateMax, state }];
}

function unmeasured(task: string, metric: string): MtrlError {
  return new MtrlError('EVALUATION_MISSING', `the gate asked ${metric} of ${task}, which the verdicts do not show`, {
    where: '--against',
    hint:
      metric === 'consistencyRate'
        ? 'give the verdicts on all orders of the candidates: --swapped FIELD, or a field with a list of them'
        : 'label more rows, of more than one label',
  });
}

const words: Readonly<Record<DriftState, string>> = {
  held: 'holds',
  fallen: 'is no longer what the gate asked',
  open: 'cannot be told: the limit is inside the interval, label more rows',
};

/** One sentence on each rule. */
export function driftSentences(checks: readonly DriftCheck[]): string[] {
  return checks.map(({ rule, value, ci95: [low, high], atPromotion, state }) => {
    const then = atPromotion === undefined ? '' : `, ${figure(atPromotion)} at the promotion`;
    return `${rule}: ${figure(value)} (${figure(low)} to ${figure(high)})${then}: ${words[state]}`;
  });
}

const figure = (value: number): string => value.toFixed(3);
