/** The colours of arms. */
import type { RunView } from '../../api.ts';

export function Legend({ runs }: { readonly runs: readonly RunView[] }) {
  const arms = new Map(runs.map(({ arm, series }) => [arm, series]));
  return (
    <span class="legend">
      {[...arms].map(([arm, series]) => (
        <span key={arm}>
          <i class={`dot s${String(series)}`} />
          {arm}
        </span>
      ))}
    </span>
  );
}
