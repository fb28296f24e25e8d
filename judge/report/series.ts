/** One colour per arm, the same in the table and in every plot. */
import type { ReportRun } from './data.ts';

export const seriesCount = 12;

type ShownRun = Pick<ReportRun, 'arm' | 'specialistOf'>;

/** 0-based colour index; arms beyond the palette reuse its colours. Specialists have the colour of their arm. */
export function seriesIndexOf(runs: readonly ShownRun[], run: ShownRun): number {
  const arms = [...new Set(runs.map(shownArm))];
  return Math.max(arms.indexOf(shownArm(run)), 0) % seriesCount;
}

/** The arm of the table that a run is a part of. */
function shownArm({ arm, specialistOf }: ShownRun): string {
  return specialistOf ?? arm;
}
