/** A confusion matrix whose cells open their examples. */
import type { Confusion } from '../../../judge/evaluation/confusion.ts';

interface ConfusionProps {
  readonly confusion: Confusion;
  /** The cell that is open. */
  readonly open: { readonly label?: string | undefined; readonly verdict?: string | undefined };
  readonly linkOf: (label: string, verdict: string) => string;
}

export function ConfusionMatrix({ confusion: { labels, counts }, open, linkOf }: ConfusionProps) {
  const columns = [...labels, 'unparsable'];
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Confusion matrix">
      <table class="confusion">
        <thead>
          <tr>
            <th scope="col">label \ verdict</th>
            {columns.map((verdict) => (
              <th scope="col" key={verdict}>
                {verdict}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {labels.map((label, i) => {
            const total = (counts[i] ?? []).reduce((a, b) => a + b, 0);
            return (
              <tr key={label}>
                <th scope="row">{label}</th>
                {columns.map((verdict, j) => {
                  const count = counts[i]?.[j] ?? 0;
                  const strength = total === 0 ? 0 : Math.ceil((count / total) * 4);
                  const shade = i === j ? `plus-${String(strength)}` : `minus-${String(strength)}`;
                  const isOpen = open.label === label && open.verdict === verdict;
                  return (
                    <td key={verdict} class={shade}>
                      <a href={linkOf(label, verdict)} aria-current={isOpen ? 'true' : undefined}>
                        {count}
                        <small>{total === 0 ? '' : `${String(Math.round((100 * count) / total))} %`}</small>
                      </a>
                    </td>
                  );
                })}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
