/** Results of scikit-learn, scipy and statsmodels on a few random judgments (test/fixtures/metrics/generate.py). */
import { readFileSync } from 'node:fs';
import type { Outcome } from '../../judge/evaluation/outcome.ts';

type Verdicts = readonly (string | null)[];

interface ClassificationCase {
  readonly name: string;
  readonly classes: [string, ...string[]];
  readonly labels: string[];
  readonly predictions: Verdicts;
  readonly expected: {
    readonly macroF1: number;
    readonly perClass: Readonly<Record<string, Readonly<Record<'precision' | 'recall' | 'f1' | 'support', number>>>>;
    readonly accuracy: number;
    readonly balancedAccuracy: number;
    /** The last column counts unparsable answers. */
    readonly confusion: number[][];
    readonly majorityLabel: string;
    readonly majorityMacroF1: number;
    readonly cohenKappa: number | null;
  };
}

interface Fixtures {
  readonly classification: ClassificationCase[];
  readonly mcnemar: readonly {
    readonly name: string;
    readonly labels: string[];
    readonly first: Verdicts;
    readonly second: Verdicts;
    readonly expected: Readonly<
      Record<'onlyFirstCorrect' | 'onlySecondCorrect' | 'exactP' | 'chiSquareCorrected' | 'chiSquareCorrectedP', number>
    >;
  }[];
  readonly correlation: readonly {
    readonly name: string;
    readonly first: number[];
    readonly second: number[];
    readonly expected: Readonly<Record<'pearson' | 'spearman' | 'kendallTauB', number>>;
  }[];
  readonly brier: { readonly probabilities: number[]; readonly outcomes: number[]; readonly expected: number };
  readonly calibration: {
    readonly probabilities: number[][];
    readonly outcomes: number[];
    readonly expected: { readonly brier: number; readonly ece: number; readonly counts: number[] };
  };
  readonly tails: {
    readonly chiSquare: readonly (readonly [x: number, p: number])[];
    readonly fairCoin: readonly (readonly [k: number, n: number, p: number])[];
  };
  readonly samples: {
    readonly classes: string[];
    readonly labels: string[];
    readonly verdicts: string[][];
    readonly logProbs: number[][];
    readonly expected: Readonly<
      Record<'passAt1' | 'passAtK' | 'majAtK' | 'majMacroF1' | 'agreement' | 'likeliestOfK', number>
    >;
  };
  readonly holm: readonly { readonly pValues: number[]; readonly expected: number[] }[];
}

const file = new URL('../fixtures/metrics/expected.json', import.meta.url);

export const fixtures = JSON.parse(readFileSync(file, 'utf8')) as Fixtures;

export function outcomesOf(labels: readonly string[], predictions: Verdicts): Outcome[] {
  return labels.map((label, i) => ({ label, predicted: predictions[i] ?? undefined }));
}
