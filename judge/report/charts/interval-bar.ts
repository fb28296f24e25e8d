import { points } from '../format.ts';
import { type Html, html } from '../html.ts';

interface Bar {
  /** In [0, 1], as is all else. */
  readonly value: number | undefined;
  readonly ci95: readonly [number, number] | undefined;
  /** What a baseline has. */
  readonly base?: number | undefined;
}

/** The interval on a line from 0 to 100, with a tick for the baseline; an empty line without a value. */
export function intervalBar({ value, ci95, base }: Bar, series: number): Html {
  if (value === undefined || ci95 === undefined) return html`<span class="bar" aria-hidden="true"></span>`;
  const [low, high] = ci95;
  const width = Math.max(high - low, 0.01);
  return html`<span class="bar s${series}" aria-hidden="true"
    >${base === undefined ? undefined : html`<i class="base" style="left:${points(base)}%"></i>`}<i
      class="range"
      style="left:${points(low)}%;width:${points(width)}%"
    ></i
    ><i class="mark" style="left:${points(value)}%"></i
  ></span>`;
}
