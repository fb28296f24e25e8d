import type { Incidents } from '../../contract/guards.ts';

/** `BAD NUMBERS: 2 steps skipped, 1 time back to a snapshot; last NON_FINITE at step 12`; empty without incidents. */
export function incidentText(incidents: Incidents | undefined): string[] {
  const last = incidents?.newest.at(-1);
  if (incidents === undefined || last === undefined) return [];
  const { recordedCount, skippedCount, rewinds } = incidents;
  const counted = (count: number, one: string, many: string): string[] =>
    count === 0 ? [] : [`${String(count)} ${count === 1 ? one : many}`];
  const counts = [
    ...counted(skippedCount, 'step skipped', 'steps skipped'),
    ...counted(rewinds.length, 'time back to a snapshot', 'times back to a snapshot'),
    ...counted(recordedCount, 'step recorded', 'steps recorded'),
  ];
  return [`BAD NUMBERS: ${counts.join(', ')}; last ${last.code} at step ${String(last.step)}`];
}
