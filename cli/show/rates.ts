/** Speed of runs in steps per second over the last half minute or since the previous step, and the time left. */
import type { RunProgress } from '../../contract/progress.ts';

interface Sighting {
  readonly atMs: number;
  readonly step: number;
}

export interface Pace {
  readonly stepsPerSecond: number;
  readonly leftMs: number;
}

const windowMs = 30_000;

export class Rates {
  readonly #sightings = new Map<string, Sighting[]>();

  saw({ runName, step }: Pick<RunProgress, 'runName' | 'step'>, atMs: number): void {
    const seen = this.#sightings.get(runName) ?? [];
    const last = seen.at(-1);
    // A lower step means a restart: earlier observations no longer count.
    const kept = last !== undefined && step < last.step ? [] : seen;
    const recent = kept.filter((sighting, i) => atMs - sighting.atMs <= windowMs || i >= kept.length - 2);
    this.#sightings.set(runName, last?.step === step && kept.length > 1 ? recent : [...recent, { atMs, step }]);
  }

  /** undefined until the run has been seen to advance. */
  paceOf(
    { runName, step, stepCount }: Pick<RunProgress, 'runName' | 'step' | 'stepCount'>,
    nowMs: number,
  ): Pace | undefined {
    const first = this.#sightings.get(runName)?.[0];
    if (first === undefined || step <= first.step || nowMs <= first.atMs) return undefined;
    const stepsPerSecond = ((step - first.step) * 1000) / (nowMs - first.atMs);
    return { stepsPerSecond, leftMs: ((stepCount - step) * 1000) / stepsPerSecond };
  }
}

/** `4.1/s`, `12/min`. */
export function rateText(stepsPerSecond: number): string {
  if (stepsPerSecond >= 1) return `${stepsPerSecond.toFixed(1)}/s`;
  return `${(stepsPerSecond * 60).toFixed(stepsPerSecond >= 1 / 6 ? 0 : 1)}/min`;
}

/** `18 s`, `4 min 05 s`, `2 h 07 min`; for elapsed and remaining time. */
export function timeText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds < 60) return `${String(seconds)} s`;
  if (seconds < 3600) return `${String(Math.floor(seconds / 60))} min ${two(seconds % 60)} s`;
  return `${String(Math.floor(seconds / 3600))} h ${two(Math.floor(seconds / 60) % 60)} min`;
}
