/** A line chart over steps: bands around lines, and the values under the pointer. */
import { useState } from 'preact/hooks';
import { significant } from '../../../judge/report/format.ts';
import { scaleOf, smoothed, type Point, ticksOf } from './chart-scale.ts';

export interface Line {
  readonly name: string;
  readonly series: number;
  readonly points: readonly Point[];
  /** A seed beside the mean of its arm. */
  readonly isFaint?: boolean;
}

interface ChartProps {
  readonly title: string;
  readonly about: string;
  readonly lines: readonly Line[];
  /** Of the values; taken from them if absent. */
  readonly range?: readonly [number, number];
}

const [width, height] = [360, 190];
const box = { left: 38, right: 352, top: 10, bottom: 164 };

export function Chart({ title, about, lines, range }: ChartProps) {
  const [step, setStep] = useState<number>();
  const all = lines.flatMap(({ points }) => points);
  if (all.length === 0) return null;
  const x = scaleOf(
    all.map((point) => point.step),
    [box.left, box.right],
  );
  const y = scaleOf(range ?? all.flatMap(({ value, low = value, high = value }) => [low, high]), [box.bottom, box.top]);
  const path = (points: readonly Point[]): string =>
    points.map((point) => `${x.at(point.step)},${y.at(point.value)}`).join(' ');
  const shown = step === undefined ? [] : lines.flatMap((line) => valueAt(line, step));
  return (
    <figure class="chart">
      <figcaption>
        {title}
        <small>{about}</small>
      </figcaption>
      <svg
        viewBox={`0 0 ${String(width)} ${String(height)}`}
        role="img"
        aria-label={`${title}: ${lines.map(({ name }) => name).join(', ')}`}
        onPointerMove={(event) => setStep(stepUnder(event, (place) => x.from(place)))}
        onPointerLeave={() => setStep(undefined)}
      >
        {ticksOf(y.range).map((tick) => (
          <g key={tick} class="tick">
            <line x1={box.left} x2={box.right} y1={y.at(tick)} y2={y.at(tick)} />
            <text x={box.left - 6} y={y.at(tick) + 3.5} text-anchor="end">
              {significant(tick)}
            </text>
          </g>
        ))}
        {ticksOf(x.range, true).map((tick) => (
          <text key={tick} class="tick" x={x.at(tick)} y={height - 8} text-anchor="middle">
            {tick}
          </text>
        ))}
        {lines.map(({ name, series, points, isFaint = false }) => {
          const banded = points.filter(({ low, high }) => low !== undefined && high !== undefined);
          const smooth = !isFaint && points.length >= 30;
          return (
            <g key={name} class={`line s${String(series)}`}>
              {banded.every(({ low, high }) => low === high) ? null : (
                <polygon
                  points={[
                    ...banded.map((point) => `${x.at(point.step)},${y.at(point.high ?? 0)}`),
                    ...[...banded].reverse().map((point) => `${x.at(point.step)},${y.at(point.low ?? 0)}`),
                  ].join(' ')}
                />
              )}
              <polyline class={isFaint || smooth ? 'faint' : ''} points={path(points)} />
              {smooth ? <polyline points={path(smoothed(points))} /> : null}
              {!isFaint && points.length < 12
                ? points.map((point) => (
                    <circle key={point.step} cx={x.at(point.step)} cy={y.at(point.value)} r={2.4} />
                  ))
                : null}
            </g>
          );
        })}
        {step === undefined ? null : (
          <line class="pointer" x1={x.at(step)} x2={x.at(step)} y1={box.top} y2={box.bottom} />
        )}
      </svg>
      <p class="reading" aria-hidden="true">
        {step === undefined ? null : (
          <>
            <span>step {step}</span>
            {shown.map(({ name, series, value }) => (
              <span key={name}>
                <i class={`dot s${String(series)}`} />
                {significant(value)}
              </span>
            ))}
          </>
        )}
      </p>
    </figure>
  );

  function stepUnder(event: PointerEvent, from: (position: number) => number): number | undefined {
    const { left, width: drawn } = (event.currentTarget as Element).getBoundingClientRect();
    const wanted = from(((event.clientX - left) / drawn) * width);
    const steps = all.map((point) => point.step);
    return steps.reduce(
      (near, each) => (Math.abs(each - wanted) < Math.abs(near - wanted) ? each : near),
      steps[0] ?? 0,
    );
  }
}

function valueAt({ name, series, points, isFaint = false }: Line, step: number) {
  const found = isFaint ? undefined : points.find((point) => point.step === step);
  return found === undefined ? [] : [{ name, series, value: found.value }];
}
