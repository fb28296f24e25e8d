/** One colour an arm, the same in the table and in every plot. */
import type { ReportRun } from './data.ts';

const seriesCount = 6;

/** 0-based; arms beyond the palette start over. */
export function seriesIndexOf(runs: readonly ReportRun[], { arm }: Pick<ReportRun, 'arm'>): number {
  const arms = [...new Set(runs.map((run) => run.arm))];
  return Math.max(arms.indexOf(arm), 0) % seriesCount;
}
