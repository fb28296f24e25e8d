/** Draws what the load bench saw over time: the orchestration of a step, and the memory of the control worker. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { Overhead } from './load-figures.ts';
import { panelsSvg } from './plot-panels.ts';
import { quantile } from './statistics.ts';

const [panelWidth, panelHeight] = [380, 240];
/** Points along the steps; each stands for the steps of its part. */
const partCount = 100;
const [blue, grey] = ['#1f6feb', '#888'];

export function drawLoad(
  overheads: readonly Overhead[],
  memory: readonly number[],
  { stepCount, runCount }: { readonly stepCount: number; readonly runCount: number },
): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const panel = { document, width: panelWidth, height: panelHeight, marginLeft: 50, marginRight: 30 };
  const parts = partsOf(overheads, stepCount);
  const orchestration = Plot.plot({
    ...panel,
    x: { label: 'step of a run' },
    y: { label: 'orchestration, ms a step (median, band 10 to 90 %)', grid: true, zero: true },
    marks: [
      Plot.areaY(parts, { x: 'step', y1: 'low', y2: 'high', fill: blue, fillOpacity: 0.2 }),
      Plot.lineY(parts, { x: 'step', y: 'middle', stroke: blue }),
    ],
  });
  const samples = memory.map((byteLength, i) => ({
    stepCount: ((i + 1) / memory.length) * stepCount * runCount,
    mebibytes: byteLength / 2 ** 20,
  }));
  const resident = Plot.plot({
    ...panel,
    x: { label: 'steps done, all runs' },
    y: { label: 'control worker, MiB resident', grid: true, zero: true },
    marks: [Plot.lineY(samples, { x: 'stepCount', y: 'mebibytes', stroke: grey })],
  });
  return panelsSvg([orchestration, resident], panelWidth, panelHeight);
}

function partsOf(overheads: readonly Overhead[], stepCount: number) {
  const length = Math.ceil(stepCount / partCount);
  const parts: number[][] = [];
  for (const { step, overheadMs } of overheads) (parts[Math.floor(step / length)] ??= []).push(overheadMs);
  return parts.flatMap((values, part) => {
    const at = (share: number): number => quantile(values, share);
    return { step: (part + 0.5) * length, low: at(0.1), middle: at(0.5), high: at(0.9) };
  });
}
