/**
 * A line chart over steps, or over other values, as SVG: faint raw values under their moving mean, bands around lines,
 * smoothed alike.
 */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { assert } from '../../../core/assert.ts';
import { significant } from '../format.ts';
import { type Html, trusted } from '../html.ts';

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
  /** What values can be: the y axis shows the tenths of it that have any. Taken from the data if omitted. */
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
  // Many bands and raw values on top of each other hide the lines.
  const faint = Math.min(1, faintFromCount / lines.length);
  const marks = lines.flatMap(({ colour, values }) => {
    const drawn = logarithmic ? values.filter(({ value }) => value > 0) : values;
    const smooth = drawn.length >= smoothFromCount;
    const hasBand = drawn.some(({ low, high }) => low !== undefined && high !== undefined && low < high);
    // A point without bounds interrupts the band; one whose bounds are equal narrows it.
    const band = Plot.areaY(smooth ? movingMean(drawn) : drawn, {
      ...{ x: 'step', y1: ({ low = NaN }: ChartPoint) => low, y2: ({ high = NaN }: ChartPoint) => high },
      ...{ fill: colour, fillOpacity: 0.15 * faint },
    });
    const bands = hasBand ? [band] : [];
    const raw = Plot.line(drawn, {
      x: 'step',
      y: 'value',
      stroke: colour,
      strokeWidth: smooth ? 1 : 2,
      strokeOpacity: smooth ? 0.3 * faint : 1,
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
      tickFormat: significant,
      ...(range && { domain: usedTenths(range, lines) }),
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
const faintFromCount = 3;

/** The part of a range that has values, in whole tenths of it and a little more than they need. */
function usedTenths([low, high]: readonly [number, number], lines: readonly Line[]): readonly [number, number] {
  const values = lines.flatMap((line) =>
    line.values.flatMap((point) => [point.low ?? point.value, point.high ?? point.value]),
  );
  const tenth = (high - low) / 10;
  const [least, most] = values.reduce(([a, b], value) => [Math.min(a, value), Math.max(b, value)], [high, low]);
  const first = Math.floor((least - low) / tenth - 0.2);
  const last = Math.ceil((most - low) / tenth + 0.2);
  return [low + tenth * Math.max(0, first), low + tenth * Math.min(10, last)];
}

/**
 * Centred moving mean of values and bands over a twentieth of the points on either side; the window is shorter at the
 * ends.
 */
function movingMean(values: Line['values']): Line['values'] {
  const reach = Math.max(2, Math.round(values.length / 20));
  return values.map(({ step }, i) => {
    const window = values.slice(Math.max(0, i - reach), i + reach + 1);
    const meanOf = (of: (point: ChartPoint) => number): number =>
      window.reduce((sum, point) => sum + of(point), 0) / window.length;
    return {
      ...{ step, value: meanOf(({ value }) => value) },
      low: meanOf(({ low, value }) => low ?? value),
      high: meanOf(({ high, value }) => high ?? value),
    };
  });
}

/**
 * Removes the style element and rounds coordinates, which are in tags, to 0.01 px, finer than any screen. This leaves a
 * third of the bytes.
 */
function compact(svg: string): string {
  return svg
    .replace(/<style>[^]*?<\/style>/, '')
    .replace(/<[^>]+>/g, (tag) =>
      tag.replace(/\d+\.\d{3,}/g, (number) => String(Math.round(Number(number) * 100) / 100)),
    );
}
