/** Unparsable answers as a share of all answers, in [0, 1]; truncated answers are included. */
import type { Judgment } from '../example.ts';
import type { Metric } from './metric.ts';

interface UnparsableScores {
  readonly unparsableRate: number;
  readonly truncatedRate: number;
  /** Reason, with the section that it is about (`section-missing: claims`) -> share of all answers. */
  readonly unparsableByReason: Readonly<Record<string, number>>;
}

export const unparsableScores: Metric<UnparsableScores> = ({ judged }) => {
  const reasons = judged.flatMap(({ judgment }) => (judgment.ok ? [] : [unparsableText(judgment)]));
  const rate = (reason: string): number => reasons.filter((each) => each === reason).length / judged.length;
  return {
    unparsableRate: reasons.length / judged.length,
    truncatedRate: rate('truncated'),
    unparsableByReason: Object.fromEntries([...new Set(reasons)].sort().map((reason) => [reason, rate(reason)])),
  };
};

/** The reason, with the section that it is about. */
export function unparsableText({ reason, section }: Extract<Judgment, { ok: false }>): string {
  return section === undefined ? reason : `${reason}: ${section}`;
}
