/** Incidents of a run: those in the records of its steps, and the times that it went back to a snapshot. */
import type { RunSummary } from '../../contract/activities.ts';
import type { Incident } from '../../contract/guards.ts';
import type { StepRecord } from '../policies/step-record.ts';

/** In order of steps. The records are of the steps that led to the policy, not of those before the run went back. */
export function incidentsOf({ incidents }: RunSummary, records: readonly StepRecord[]): readonly Incident[] {
  const recorded = records.flatMap(({ steps }) =>
    steps.flatMap(({ step, bad }): Incident[] =>
      bad ? [{ code: bad.code, step, found: bad.found, outcome: bad.skipped ? 'skipped' : 'recorded' }] : [],
    ),
  );
  return [...recorded, ...(incidents?.rewinds ?? [])].sort((a, b) => a.step - b.step);
}
