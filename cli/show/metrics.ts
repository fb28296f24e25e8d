/** The metrics of an experiment's steps: read from the log of each run, and printed as CSV or as the newest values. */
import type { ArtifactStore } from '../../artifacts/store/artifact-store.ts';
import { metricsOfRecords, type StepMetrics } from '../../pipeline/reporting/step-metrics.ts';
import type { MadeRun } from './made.ts';
import { loggedRecords } from './rollout-log.ts';

export interface RunStepMetrics extends StepMetrics {
  readonly run: string;
}

/** All steps of a run, in order; empty for a run that trained nothing. */
export async function metricsOf(store: ArtifactStore, run: MadeRun): Promise<RunStepMetrics[]> {
  const steps = await metricsOfRecords(store, await loggedRecords(store, run));
  return steps.map((step) => ({ run: run.runName, ...step }));
}

/** A header, and a row for each step; a value that a step lacks is empty. */
export function metricsCsv(steps: readonly RunStepMetrics[]): string {
  const names = [...new Set(steps.flatMap(({ values }) => Object.keys(values)))];
  const rows = steps.map(({ run, step, values }) => [run, step, ...names.map((name) => values[name] ?? '')]);
  return [['run', 'step', ...names], ...rows].map((cells) => cells.map(csvCell).join(',')).join('\n');
}

/** A label may contain any text. */
function csvCell(value: string | number): string {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The newest step of each run, a line for each value. */
export function newestLines(steps: readonly RunStepMetrics[]): string[] {
  const newest = new Map(steps.map((step) => [step.run, step]));
  return [...newest.values()].flatMap(({ run, step, values }) => {
    const width = Math.max(...Object.keys(values).map(({ length }) => length));
    const lines = Object.entries(values).map(([name, value]) => `  ${name.padEnd(width)}  ${shown(value)}`);
    return [`${run}  step ${String(step)}`, ...lines];
  });
}

function shown(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toPrecision(4);
}
