/** Scores by the values of row fields; each value opens its answers. */
import { interval, points } from '../../../judge/report/format.ts';
import type { TaskScores } from '../../../judge/evaluation/task-scores.ts';
import { PlainTable } from './plain-table.tsx';

interface SliceTableProps {
  readonly scores: TaskScores;
  /** `field=value`. */
  readonly open: string | undefined;
  readonly linkOf: (slice: string) => string;
}

export function SliceTable({ scores: { slices = [] }, open, linkOf }: SliceTableProps) {
  return (
    <>
      {slices.map(({ field, values }) => (
        <section key={field}>
          <h2>By {field}</h2>
          <PlainTable label={`Scores by ${field}`} heads={[field, 'examples', 'score']}>
            {values.map(({ value, exampleCount, ci95, scores }) => (
              <tr key={value}>
                <th scope="row">
                  {value === null ? (
                    '(none)'
                  ) : (
                    <a
                      href={linkOf(`${field}=${value}`)}
                      aria-current={open === `${field}=${value}` ? 'true' : undefined}
                    >
                      {value}
                    </a>
                  )}
                </th>
                <td>{exampleCount}</td>
                <td>
                  {points(scores.macroF1 ?? scores.accuracy)} <small>{interval(ci95)}</small>
                </td>
              </tr>
            ))}
          </PlainTable>
        </section>
      ))}
    </>
  );
}
