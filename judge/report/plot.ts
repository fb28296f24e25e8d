/** A line chart over steps, or over other values, as SVG: faint raw values under their moving mean, bands around lines. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { assert } from '../../core/assert.ts';
import { significant } from './format.ts';
import { type Html, trusted } from './html.ts';

export interface Line {
  readonly name: string;
  /** CSS colour. */
  readonly colour: string;
  /** Values in the order of the x axis. */
  readonly values: readonly ChartPoint[];
}

export interface ChartPoint {
  /** Position on the x axis: a step, or another number; text gives an axis of categories. */
  readonly step: number | string;
  readonly value: number;
  /** A band around the line. */
  readonly low?: number;
  readonly high?: number;
}

export interface LineChart {
  readonly lines: readonly Line[];
  /** Fixed range of the y axis; taken from the data if omitted. */
  readonly range?: readonly [number, number];
  readonly logarithmic?: boolean;
  readonly logarithmicX?: boolean;
  /** Marks every value of the x axis, instead of round ones. */
  readonly ticksAtValues?: boolean;
  readonly width: number;
  readonly height: number;
}

export function lineChart(chart: LineChart): Html {
  const { lines, range, logarithmic = false, width, height } = chart;
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const marks = lines.flatMap(({ colour, values }) => {
    const drawn = logarithmic ? values.filter(({ value }) => value > 0) : values;
    const smooth = drawn.length >= smoothFromCount;
    const banded = drawn.filter(({ low, high }) => low !== undefined && high !== undefined && low < high);
    const band = Plot.areaY(banded, { x: 'step', y1: 'low', y2: 'high', fill: colour, fillOpacity: 0.15 });
    const bands = banded.length < 2 ? [] : [band];
    const raw = Plot.line(drawn, {
      x: 'step',
      y: 'value',
      stroke: colour,
      strokeWidth: smooth ? 1 : 2,
      strokeOpacity: smooth ? 0.3 : 1,
    });
    if (!smooth)
      return [...bands, raw, Plot.dot(drawn, { x: 'step', y: 'value', fill: colour, r: drawn.length < 12 ? 2.5 : 0 })];
    return [...bands, raw, Plot.line(movingMean(drawn), { x: 'step', y: 'value', stroke: colour, strokeWidth: 2 })];
  });
  const plot = Plot.plot({
    document,
    className: 'plot',
    width,
    height,
    marginLeft: 40,
    marginBottom: 28,
    marginTop: 12,
    marginRight: 10,
    x: { label: null, tickSize: 0, ...xScale(chart) },
    y: {
      label: null,
      ticks: 4,
      tickSize: 0,
      grid: true,
      ...(range && { domain: range }),
      ...(logarithmic && { type: 'log' }),
    },
    marks,
  }) as { readonly outerHTML: string };
  assert(plot.outerHTML.startsWith('<svg'), 'a plot is not an svg element');
  return trusted(compact(plot.outerHTML));
}

function xScale({ lines, logarithmicX = false, ticksAtValues = false }: LineChart): Plot.ScaleOptions {
  const steps = [...new Set(lines.flatMap(({ values }) => values.map(({ step }) => step)))];
  // Categories in the order in which they come.
  if (steps.some((step) => typeof step === 'string')) return { domain: steps };
  const type = logarithmicX && { type: 'log' as const };
  return {
    ...type,
    ...(ticksAtValues ? { ticks: steps, tickFormat: (step) => significant(Number(step)) } : { ticks: 5 }),
  };
}

const smoothFromCount = 30;

/** Centred moving mean over a twentieth of the points on either side; the window is shorter at the ends. */
function movingMean(values: Line['values']): Line['values'] {
  const reach = Math.max(2, Math.round(values.length / 20));
  return values.map(({ step }, i) => {
    const window = values.slice(Math.max(0, i - reach), i + reach + 1);
    return { step, value: window.reduce((sum, { value }) => sum + value, 0) / window.length };
  });
}

/**
 * Removes the style element and rounds coordinates to 0.01 px, finer than any screen, which leaves a third of the
 * bytes.
 */
function compact(svg: string): string {
  return svg
    .replace(/<style>[^]*?<\/style>/, '')
    .replace(/\d+\.\d{3,}/g, (number) => String(Math.round(Number(number) * 100) / 100));
}
