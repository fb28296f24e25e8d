/** Draws the points of the scaling bench and the FLOP model's line, one panel per sweep, as an SVG string. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { panelsSvg } from './plot-panels.ts';
import type { Point } from './scaling.ts';

const [panelWidth, panelHeight] = [300, 240];

export function drawScaling(points: readonly (Point & { readonly lineMs: number })[]): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const sweeps = [...new Set(points.map(({ sweep }) => sweep))];
  const panels = sweeps.map((sweep) => {
    const own = points.filter((point) => point.sweep === sweep);
    return Plot.plot({
      document,
      width: panelWidth,
      height: panelHeight,
      marginLeft: 55,
      x: { label: sweep, type: 'log', ticks: own.map(({ at }) => at), tickFormat: 'd' },
      y: { label: 'ms a step', type: 'log', grid: true, ticks: 4, tickFormat: 'd' },
      marks: [
        Plot.line(own, { x: 'at', y: 'lineMs', stroke: '#888', strokeDasharray: '4 3' }),
        Plot.dot(own, { x: 'at', y: 'stepMs', fill: '#1f6feb', r: 4 }),
      ],
    });
  });
  return panelsSvg(panels, panelWidth, panelHeight);
}
