/** Scores of several sampled answers per example: pass@k, maj@k and self-consistency. */
import { assert } from '../../core/assert.ts';
import { macroF1 } from './macro-f1.ts';
import type { Outcome } from './outcome.ts';

/** Rates in [0, 1]. */
export interface SampleScores {
  /** k, the number of answers per example. */
  readonly sampleCount: number;
  /** Expected accuracy of one sampled answer: pass@1 (Chen et al. 2021). */
  readonly passAt1: number;
  /** Share of examples that at least one of the k answers gets right. */
  readonly passAtK: number;
  /** Accuracy of the most common verdict (self-consistency, Wang et al. 2022); `majMacroF1` is its Macro-F1. */
  readonly majAtK: number;
  readonly majMacroF1: number;
  /**
   * Accuracy of the answer that is most probable under the policy itself (best of k by the log-prob of all its tokens);
   * absent if the policy gives no log-probs.
   */
  readonly likeliestOfK?: number;
  /** Mean share of an example's answers that give its most common verdict; unparsable answers agree with nothing. */
  readonly agreement: number;
}

/**
 * Scores of `verdicts` [example][sample], undefined if unparsable, and `logProbs` [example][sample] of the whole
 * answers, natural log; those of an example are empty if the policy gives none. All examples have the same number of
 * samples.
 */
export function sampleScores(
  exampleLabels: readonly string[],
  verdicts: readonly (readonly (string | undefined)[])[],
  logProbs: readonly (readonly number[])[],
  labels: readonly string[],
): SampleScores {
  const sampleCount = verdicts[0]?.length ?? 0;
  assert(exampleLabels.length === verdicts.length && sampleCount > 0, 'samples of every example');
  const hasLogProbs = logProbs.some(({ length }) => length > 0);
  assert(
    verdicts.every(
      ({ length }, i) => length === sampleCount && logProbs[i]?.length === (hasLogProbs ? sampleCount : 0),
    ),
    'as many samples of each example, each with its log-prob or none with one',
  );
  const voted = verdicts.map((each, i): Outcome => ({
    label: exampleLabels[i] ?? '',
    predicted: majority(each, labels),
  }));
  const likeliest = verdicts.filter((each, i) => each[indexOfMax(logProbs[i] ?? [])] === exampleLabels[i]);
  const share = (of: (each: readonly (string | undefined)[], label: string) => number): number =>
    verdicts.reduce((sum, each, i) => sum + of(each, exampleLabels[i] ?? ''), 0) / verdicts.length;
  return {
    sampleCount,
    passAt1: share((each, label) => timesIn(each, label) / sampleCount),
    passAtK: share((each, label) => (each.includes(label) ? 1 : 0)),
    majAtK: voted.filter(({ label, predicted }) => label === predicted).length / voted.length,
    majMacroF1: macroF1(voted, labels),
    ...(hasLogProbs && { likeliestOfK: likeliest.length / verdicts.length }),
    agreement: share((each) => Math.max(...labels.map((label) => timesIn(each, label))) / sampleCount),
  };
}

/** Index of the maximum; on a tie, the first. */
function indexOfMax(values: readonly number[]): number {
  return values.indexOf(Math.max(...values));
}

function timesIn(verdicts: readonly (string | undefined)[], label: string): number {
  return verdicts.filter((verdict) => verdict === label).length;
}

/** The most common verdict; on a tie, the one sampled first. Undefined if none is parsable. */
export function majority(verdicts: readonly (string | undefined)[], labels: readonly string[]): string | undefined {
  const readable = verdicts.filter((verdict) => verdict !== undefined && labels.includes(verdict));
  return readable.reduce<string | undefined>(
    (best, verdict) =>
      verdict !== undefined && (best === undefined || timesIn(readable, verdict) > timesIn(readable, best))
        ? verdict
        : best,
    undefined,
  );
}
