/** The table of docs/settings.md and its plot: rewards by step and held-out scores, this project's beside TRL's. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { panelsSvg } from './plot-panels.ts';

/** Both sides of one kind of training, by seed. */
export interface Side {
  readonly name: string;
  readonly runs: readonly Curve[];
}

interface Curve {
  readonly seed: number;
  /** Mean reward of each step's rollouts, 0 to 1. */
  readonly rewards: readonly number[];
  readonly macroF1: number;
  readonly ci95: readonly [number, number];
  readonly unreadRate: number;
}

export interface Panel {
  readonly kind: string;
  readonly sides: readonly Side[];
}

const [panelWidth, panelHeight] = [420, 260];
const colours = ['#1f6feb', '#d1570a'];
/** Steps in a mean: rewards of single steps differ by the prompts that they show. */
const smoothedCount = 3;

/** One panel a kind: the mean of the seeds as a line, from the lowest to the highest as a band. */
export function drawDynamics(panels: readonly Panel[]): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const drawn = panels.map(({ kind, sides }) => {
    const points = sides.flatMap(({ name, runs }) => {
      const smooth = runs.map(({ rewards }) => smoothed(rewards));
      return (smooth[0] ?? []).map((_, step) => {
        const values = smooth.map((curve) => curve[step] ?? 0);
        return { name, step, mean: meanOf(values), low: Math.min(...values), high: Math.max(...values) };
      });
    });
    return Plot.plot({
      document,
      width: panelWidth,
      height: panelHeight,
      color: { domain: sides.map(({ name }) => name), range: colours },
      x: { label: `step (${kind})` },
      y: { label: 'reward', grid: true, domain: [0, 1] },
      marks: [
        Plot.areaY(points, { x: 'step', y1: 'low', y2: 'high', fill: 'name', fillOpacity: 0.15 }),
        Plot.line(points, { x: 'step', y: 'mean', stroke: 'name', strokeWidth: 2 }),
        Plot.text(sides, {
          text: 'name',
          fill: 'name',
          x: 0,
          y: (_, i) => 0.12 - 0.07 * i,
          textAnchor: 'start',
          fontWeight: 'bold',
        }),
      ],
    });
  });
  return panelsSvg(drawn, panelWidth, panelHeight);
}

function smoothed(values: readonly number[]): number[] {
  return values.map((_, i) => meanOf(values.slice(Math.max(0, i - smoothedCount + 1), i + 1)));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** A row a run: reward of the first and the last steps, and the held-out score. */
export function dynamicsTable(panels: readonly Panel[]): string {
  const percent = (value: number) => (100 * value).toFixed(1);
  const rows = panels.flatMap(({ kind, sides }) =>
    sides.flatMap(({ name, runs }) =>
      runs.map(({ seed, rewards, macroF1, ci95: [low, high], unreadRate }) => {
        const ends = [rewards.slice(0, smoothedCount), rewards.slice(-smoothedCount)].map((few) =>
          percent(meanOf(few)),
        );
        const score = `${percent(macroF1)} (${percent(low)}–${percent(high)})`;
        return `| ${kind} | ${name} | ${String(seed)} | ${ends.join(' | ')} | ${score} | ${percent(unreadRate)} % |`;
      }),
    ),
  );
  return [
    '| trained | by | seed | first rewards | last rewards | held-out Macro-F1 | unreadable |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
  ].join('\n');
}
