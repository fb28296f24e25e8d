/** Scores by the values of row fields; each value opens its answers. */
import { interval, points } from '../../../judge/report/format.ts';
import type { TaskScores } from '../../../judge/evaluation/task-scores.ts';

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
          <div class="scroll" tabIndex={0} role="region" aria-label={`Scores by ${field}`}>
            <table class="plain">
              <thead>
                <tr>
                  <th scope="col">{field}</th>
                  <th scope="col">examples</th>
                  <th scope="col">score</th>
                </tr>
              </thead>
              <tbody>
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
              </tbody>
            </table>
          </div>
        </section>
      ))}
    </>
  );
}
