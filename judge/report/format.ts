/** Number formats of reports. */

/** A score or rate in [0, 1] as points: `99.4`; a dash for none. */
export function points(value: number | undefined): string {
  return value === undefined ? '–' : (value * 100).toFixed(1);
}

/**
 * An interval in points; with negative bounds it is written with `to`, because a dash before a minus sign is misread;
 * empty for none.
 */
export function interval(bounds: readonly [number, number] | undefined): string {
  if (bounds === undefined) return '';
  const [low, high] = bounds;
  return `${points(low)}${low < 0 || high < 0 ? ' to ' : '–'}${points(high)}`;
}

/** `= .013`, `< .001`. */
export function pValue(p: number): string {
  return p < 0.001 ? '< .001' : `= ${p.toFixed(3).replace(/^0/, '')}`;
}

/** Significance stars: one each for p below .05, .01, .001. */
export function stars(p: number): string {
  return '*'.repeat([0.05, 0.01, 0.001].filter((limit) => p < limit).length);
}

/** `420 ms`, `3.4 s`, `4 min 05 s`, `2 h 07 min`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${String(Math.round(ms))} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(Math.round(seconds) / 60);
  if (minutes < 60) return `${String(minutes)} min ${two(Math.round(seconds) % 60)} s`;
  return `${String(Math.floor(minutes / 60))} h ${two(minutes % 60)} min`;
}

const two = (value: number): string => String(value).padStart(2, '0');

export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export function bytes(byteLength: number): string {
  let value = byteLength;
  let unit = 0;
  while (value >= 1024 && unit < byteUnits.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? String(value) : value.toFixed(1)} ${byteUnits[unit] ?? ''}`;
}

/** Three significant digits: `0.00123`; very small and large numbers in exponential form: `1.2e-7`. */
export function significant(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  return size < 1e-4 || size >= 1e6 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}

/** A mean absolute error with its interval, in the unit of the labels: `0.42 (0.31–0.52)`; a dash for none. */
export function absoluteErrorText(
  error: { readonly mean: number; readonly ci95: readonly [number, number] } | undefined,
): string {
  if (error === undefined) return '–';
  return `${significant(error.mean)} (${error.ci95.map(significant).join('–')})`;
}
