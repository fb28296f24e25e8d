import type { Split } from '../example.ts';

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
}
