/** One colour per arm, the same in the table and in every plot. */
import type { ReportRun } from './data.ts';

export const seriesCount = 6;

/** 0-based colour index; arms beyond the palette reuse its colours. */
export function seriesIndexOf(runs: readonly ReportRun[], { arm }: Pick<ReportRun, 'arm'>): number {
  const arms = [...new Set(runs.map((run) => run.arm))];
  return Math.max(arms.indexOf(arm), 0) % seriesCount;
}
