import type { Split } from '../example.ts';
import type { CalibrationBin } from './calibration.ts';
import type { Confusion } from './confusion.ts';
import type { ClassScores } from './macro-f1.ts';
import type { RationaleAgreement } from './rationale-agreement.ts';
import type { SampleScores } from './several-samples.ts';

/** Scores of one policy on one task; rates and scores in [0, 1]. */
export interface TaskScores {
  readonly task: string;
  readonly split: Split;
  readonly ood: boolean;
  readonly exampleCount: number;
  readonly macroF1: number;
  readonly ci95: readonly [number, number];
  readonly accuracy: number;
  readonly majorityMacroF1: number;
  readonly unparsableRate: number;
  readonly truncatedRate: number;
  /** Pairwise: the same image is chosen in both orders; the first is chosen; both orders right. */
  readonly consistencyRate?: number;
  readonly firstPositionRate?: number;
  readonly consistentAccuracy?: number;
  readonly balancedAccuracy?: number;
  /** In [-1, 1]. Absent where chance alone would always agree. */
  readonly cohenKappa?: number;
  /** In the order of the task's labels. */
  readonly perClass?: readonly (ClassScores & { readonly label: string })[];
  readonly confusion?: Confusion;
  /** Reason -> share of all answers; the truncated are among them. */
  readonly unparsableByReason?: Readonly<Record<string, number>>;
  /** With the labels or scores of a task whose labels are numbers: over the answers that can be read. */
  readonly correlation?: Correlation;
  /** Where the recipe has cues for the task. */
  readonly rationales?: RationaleAgreement;
  readonly forcedChoice?: ForcedChoiceScores;
  readonly samples?: SampleScores;
  /** The same examples asked in other ways, in the recipe's order. */
  readonly variants?: readonly VariantScores[];
}

/** Each in [-1, 1]; absent where one side does not vary. */
export interface Correlation {
  readonly count: number;
  readonly pearson?: number;
  readonly spearman?: number;
  readonly kendallTauB?: number;
}

/** Of the likeliest label at the verdict's place: nothing is unparsable, so this is what the judge knows, not what it says. */
export interface ForcedChoiceScores {
  readonly macroF1: number;
  readonly ci95: readonly [number, number];
  readonly accuracy: number;
  readonly brier: number;
  /** Expected calibration error over `bins`, ten of equal width. */
  readonly ece: number;
  readonly bins: readonly CalibrationBin[];
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
