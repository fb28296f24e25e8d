/** Draws the points of the scaling bench and the FLOP model's line, one panel per sweep, as an SVG string. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { Point } from './scaling.ts';

const [panelWidth, panelHeight] = [300, 240];

export function drawScaling(points: readonly (Point & { readonly lineMs: number })[]): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const sweeps = [...new Set(points.map(({ sweep }) => sweep))];
  const panels = sweeps.map((sweep, index) => {
    const own = points.filter((point) => point.sweep === sweep);
    const panel = Plot.plot({
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
    }) as { readonly innerHTML: string };
    return `<g transform="translate(${index * panelWidth} 0)" font-family="sans-serif" font-size="10">${panel.innerHTML}</g>`;
  });
  const width = panelWidth * sweeps.length;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${panelHeight}" viewBox="0 0 ${width} ${panelHeight}"><rect width="100%" height="100%" fill="white"/>${panels.join('')}</svg>\n`;
  return svg
    .replace(/<style>[^]*?<\/style>/g, '')
    .replace(/\d+\.\d{3,}/g, (text) => String(Math.round(Number(text) * 100) / 100));
}
