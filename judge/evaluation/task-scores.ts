import type { Split } from '../example.ts';
import type { Headline } from './headline.ts';
import type { SliceScores } from './groups/slices.ts';
import type { MetricScores } from './metrics.ts';
import type { EndpointUsage } from './endpoint-usage.ts';
import type { SampleScores } from './several-samples.ts';

/**
 * Scores of one policy on one task; rates and scores in [0, 1]. Scores that the task's kind does not have are absent.
 */
export interface TaskScores extends Partial<MetricScores> {
  readonly task: string;
  readonly split: Split;
  readonly ood: boolean;
  readonly exampleCount: number;
  /** The metric that the task's `headline` names. */
  readonly headline?: Headline;
  /** These three: absent if verdicts are numbers of a range, which are no classes. */
  readonly macroF1?: number;
  readonly ci95?: readonly [number, number];
  readonly majorityMacroF1?: number;
  /** Present for every kind, as are the next two. */
  readonly accuracy: number;
  readonly unparsableRate: number;
  readonly truncatedRate: number;
  readonly samples?: SampleScores;
  /** What the answers took, if an endpoint gave them. */
  readonly usage?: EndpointUsage;
  /** One entry a field of the task's `slices`. */
  readonly slices?: readonly SliceScores[];
  /** Scores of other modes and probes on the same examples, in the recipe's order. */
  readonly variants?: readonly VariantScores[];
}

/** Scores of one other mode or probe. */
export interface VariantScores {
  readonly name: string;
  /** Reason why it was not run; `scores` is absent then. */
  readonly refused?: string;
  readonly scores?: {
    readonly exampleCount: number;
    /** Absent if verdicts are no classes (criteria, and numbers of a range), as are `ci95` and `strictMacroF1`. */
    readonly macroF1?: number;
    readonly ci95?: readonly [number, number];
    readonly accuracy: number;
    /** Of the strict answers to the same examples. */
    readonly strictMacroF1?: number;
    /** Only where `strictMacroF1` is absent. */
    readonly strictAccuracy?: number;
    /** Share of answers with the same verdict as the strict answer; two unparsable answers count as the same. */
    readonly sameVerdictRate: number;
    readonly unparsableRate: number;
    readonly truncatedRate: number;
  };
}
