/** Unparsable answers as a share of all answers, in [0, 1]; truncated answers are included. */
import type { Metric } from './metric.ts';

interface UnparsableScores {
  readonly unparsableRate: number;
  readonly truncatedRate: number;
  /** Reason -> share of all answers. */
  readonly unparsableByReason: Readonly<Record<string, number>>;
}

export const unparsableScores: Metric<UnparsableScores> = ({ judged }) => {
  const reasons = judged.flatMap(({ judgment }) => (judgment.ok ? [] : [judgment.reason]));
  const rate = (reason: string): number => reasons.filter((each) => each === reason).length / judged.length;
  return {
    unparsableRate: reasons.length / judged.length,
    truncatedRate: rate('truncated'),
    unparsableByReason: Object.fromEntries([...new Set(reasons)].sort().map((reason) => [reason, rate(reason)])),
  };
};
