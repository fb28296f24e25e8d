/** Reliability diagram (DeGroot and Fienberg 1983): accuracy by confidence; the diagonal is perfect calibration. */
import { points } from '../format.ts';
import { type Html, html } from '../html.ts';

interface Bin {
  readonly count: number;
  readonly confidence: number;
  readonly accuracy: number;
}

/** Draws `bins` of equal width over [0, 1]; the bars of bins with fewer answers are fainter. */
export function calibrationPlot(bins: readonly Bin[]): Html {
  const countMax = Math.max(...bins.map(({ count }) => count));
  const width = 100 / bins.length;
  const bars = bins.map(({ count, confidence, accuracy }, i) =>
    count === 0
      ? undefined
      : html`<rect
          x="${i * width}"
          y="${100 - accuracy * 100}"
          width="${width}"
          height="${accuracy * 100}"
          fill-opacity="${(0.25 + (0.75 * count) / countMax).toFixed(2)}"
        >
          <title>${count} answers: confidence ${points(confidence)}, accuracy ${points(accuracy)}</title>
        </rect>`,
  );
  return html`<svg class="calibration" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
    ${bars}
    <line x1="0" y1="100" x2="100" y2="0" vector-effect="non-scaling-stroke" />
  </svg>`;
}
