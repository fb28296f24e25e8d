import type { Split } from '../example.ts';
import type { MetricScores } from './metrics.ts';
import type { SampleScores } from './several-samples.ts';

/** Scores of one policy on one task; rates and scores in [0, 1]. What a kind's metrics do not give is absent. */
export interface TaskScores extends Partial<MetricScores> {
  readonly task: string;
  readonly split: Split;
  readonly ood: boolean;
  readonly exampleCount: number;
  /** Of every kind there is. */
  readonly macroF1: number;
  readonly ci95: readonly [number, number];
  readonly accuracy: number;
  readonly majorityMacroF1: number;
  readonly unparsableRate: number;
  readonly truncatedRate: number;
  readonly samples?: SampleScores;
  /** The same examples asked in other ways, in the recipe's order. */
  readonly variants?: readonly VariantScores[];
}

/** One other way to ask: another prompt, or a probe. */
export interface VariantScores {
  readonly name: string;
  /** Why it was not run; there are no scores then. */
  readonly refused?: string;
  readonly scores?: {
    readonly exampleCount: number;
    readonly macroF1: number;
    readonly ci95: readonly [number, number];
    readonly accuracy: number;
    /** Of the strict answers to the same examples. */
    readonly strictMacroF1: number;
    /** Share of answers whose verdict is the strict one's (both unparsable counts as the same). */
    readonly sameVerdictRate: number;
    readonly unparsableRate: number;
    readonly truncatedRate: number;
  };
}
