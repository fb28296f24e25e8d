/** Several sampled answers to each example: how often one is right, how often most are, and how much they agree. */
import { assert } from '../../core/assert.ts';
import { macroF1 } from './macro-f1.ts';
import type { Outcome } from './outcome.ts';

/** Rates in [0, 1]. */
export interface SampleScores {
  /** k: answers to each example. */
  readonly sampleCount: number;
  /** Expected accuracy of one sampled answer: pass@1 (Chen et al. 2021). */
  readonly passAt1: number;
  /** Share of examples that at least one of the k answers gets right. */
  readonly passAtK: number;
  /** Accuracy and Macro-F1 of the commonest verdict (self-consistency, Wang et al. 2022). */
  readonly majAtK: number;
  readonly majMacroF1: number;
  /** Accuracy of the answer that the policy itself finds likeliest (best of k by the log-prob of all its tokens). */
  readonly likeliestOfK: number;
  /** Mean share of an example's answers that give its commonest verdict; the unparsable agree with nothing. */
  readonly agreement: number;
}

/**
 * `verdicts` [example][sample]; undefined is unparsable. `logProbs` [example][sample] of the whole answers, natural log.
 * All examples have the same number of samples.
 */
export function sampleScores(
  exampleLabels: readonly string[],
  verdicts: readonly (readonly (string | undefined)[])[],
  logProbs: readonly (readonly number[])[],
  labels: readonly string[],
): SampleScores {
  const sampleCount = verdicts[0]?.length ?? 0;
  assert(exampleLabels.length === verdicts.length && sampleCount > 0, 'samples of every example');
  assert(
    verdicts.every(({ length }, i) => length === sampleCount && logProbs[i]?.length === sampleCount),
    'as many samples of each example, each with its log-prob',
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
    likeliestOfK: likeliest.length / verdicts.length,
    agreement: share((each) => Math.max(...labels.map((label) => timesIn(each, label))) / sampleCount),
  };
}

/** Of equals the first. */
function indexOfMax(values: readonly number[]): number {
  return values.indexOf(Math.max(...values));
}

function timesIn(verdicts: readonly (string | undefined)[], label: string): number {
  return verdicts.filter((verdict) => verdict === label).length;
}

/** The commonest verdict; of equally common ones, the one that was sampled first. Undefined when none can be read. */
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
