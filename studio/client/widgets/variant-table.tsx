/** Other modes and probes on the same examples; each opens its answers. */
import { interval, points } from '../../../judge/report/format.ts';
import type { TaskScores } from '../../../judge/evaluation/task-scores.ts';
import { PlainTable } from './plain-table.tsx';

interface VariantTableProps {
  readonly scores: TaskScores;
  readonly open: string | undefined;
  readonly linkOf: (variant: string) => string;
}

export function VariantTable({ scores: { variants = [] }, open, linkOf }: VariantTableProps) {
  if (variants.length === 0) return null;
  return (
    <section>
      <h2>Probes and modes</h2>
      <p class="muted">The same examples with one change, and the strict score on them.</p>
      <PlainTable label="Probes and modes" heads={['probe', 'score', 'strict', 'same verdict']}>
        {variants.map(({ name, scores, refused }) => (
          <tr key={name}>
            <th scope="row">
              {scores === undefined ? (
                name
              ) : (
                <a href={linkOf(name)} aria-current={name === open ? 'true' : undefined}>
                  {name}
                </a>
              )}
            </th>
            {scores === undefined ? (
              <td colSpan={3}>{refused}</td>
            ) : (
              <>
                <td>
                  {points(scores.macroF1 ?? scores.accuracy)} <small>{interval(scores.ci95)}</small>
                </td>
                <td>{points(scores.strictMacroF1 ?? scores.strictAccuracy)}</td>
                <td>{points(scores.sameVerdictRate)} %</td>
              </>
            )}
          </tr>
        ))}
      </PlainTable>
    </section>
  );
}
