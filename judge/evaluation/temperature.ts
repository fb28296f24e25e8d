/**
 * Temperature scaling (Guo et al. 2017, arXiv 1706.04599): one number by which the log-probs of a task's labels are
 * divided before they are normalised again. It changes how sure a judge is, and the order of labels never.
 *   p_T(i) = p(i)^(1/T) / sum over j of p(j)^(1/T)
 * T is fitted by the log loss, which is convex in b = 1/T; its derivative, mean(E_p_T[log p] - log p(label)), grows
 * with b, so that bisection finds where it is zero.
 */
import { assert } from '../../core/assert.ts';
import type { ProbableOutcome } from './calibration.ts';
import { labelProbabilities } from './forced-choice.ts';

/** A judge that is always right would be fitted to 0, and one that is worse than chance to infinity. */
export const temperatureRange = { min: 0.05, max: 20 } as const;

const stepCount = 60;

/** Within `temperatureRange`; 1 if the probabilities say nothing, so that every temperature is as good. */
export function fittedTemperature(outcomes: readonly ProbableOutcome[]): number {
  assert(outcomes.length > 0, 'a temperature of nothing');
  const logs = outcomes.map(logsOf);
  if (slopeAt(1, logs) === 0) return 1;
  let [low, high] = [Math.log(1 / temperatureRange.max), Math.log(1 / temperatureRange.min)];
  if (slopeAt(Math.exp(low), logs) >= 0) return temperatureRange.max;
  if (slopeAt(Math.exp(high), logs) <= 0) return temperatureRange.min;
  for (let step = 0; step < stepCount; step++) {
    const middle = (low + high) / 2;
    if (slopeAt(Math.exp(middle), logs) < 0) low = middle;
    else high = middle;
  }
  return Math.exp(-(low + high) / 2);
}

/** The probabilities at the temperature. Labels without probability, which the example does not allow, keep none. */
export function atTemperature(probabilities: readonly number[], temperature: number): number[] {
  return labelProbabilities(probabilities.map((p) => Math.log(p) / temperature));
}

/** Mean -log p(label), in nats; probabilities below 2^-52 count as that, as in scikit-learn's `log_loss`. */
export function logLoss(outcomes: readonly ProbableOutcome[]): number {
  assert(outcomes.length > 0, 'a log loss of nothing');
  const sum = outcomes.reduce(
    (total, { probabilities, labelIndex }) =>
      total - Math.log(Math.max(probabilities[labelIndex] ?? 0, Number.EPSILON)),
    0,
  );
  return sum / outcomes.length;
}

interface Logs {
  readonly label: number;
  /** Of all labels that have a probability. */
  readonly all: readonly number[];
}

/** A label whose probability has underflowed counts as the smallest number there is. */
function logsOf({ probabilities, labelIndex }: ProbableOutcome): Logs {
  const all = probabilities.map((p, i) => Math.log(i === labelIndex ? Math.max(p, Number.MIN_VALUE) : p));
  const label = all[labelIndex];
  assert(label !== undefined, 'a probability of the label');
  return { label, all: all.filter((log) => log > -Infinity) };
}

/** Derivative of the mean log loss by b = 1/T. */
function slopeAt(b: number, outcomes: readonly Logs[]): number {
  let total = 0;
  for (const { label, all } of outcomes) {
    const top = Math.max(...all);
    let [sum, mean] = [0, 0];
    for (const log of all) {
      const weight = Math.exp((log - top) * b);
      sum += weight;
      mean += weight * log;
    }
    total += mean / sum - label;
  }
  return total / outcomes.length;
}
