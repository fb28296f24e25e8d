/** Rows that did not become examples, and examples that training and test share. */
import type { LeakPage, QuarantinePage } from '../../api.ts';
import { pathOf } from '../../query.ts';
import { change } from '../address.ts';
import type { ViewProps } from '../app.tsx';
import { Choices } from '../widgets/choices.tsx';
import { More } from '../widgets/more.tsx';
import { Failed, Nothing } from '../widgets/notice.tsx';
import { usePages } from '../widgets/pages.ts';
import { PlainTable } from '../widgets/plain-table.tsx';

export function Data({ experiment, address }: ViewProps) {
  const part = address.values['part'] === 'leaks' ? 'leaks' : 'quarantine';
  return (
    <>
      <h1>Data</h1>
      <div class="chart-head">
        <Choices
          name="Part"
          value={part}
          values={[
            ['quarantine', 'quarantine'],
            ['leaks', 'leaks'],
          ]}
          choose={(value) => change(address, { part: value })}
        />
      </div>
      {part === 'leaks' ? (
        <Leaks experimentId={experiment.experimentId} />
      ) : (
        <Quarantine experimentId={experiment.experimentId} />
      )}
    </>
  );
}

function Quarantine({ experimentId }: { readonly experimentId: string }) {
  const pages = usePages<QuarantinePage>(pathOf(experimentId, 'quarantine'));
  const { rows, last, failure, isWaiting, more } = pages;
  if (failure !== undefined) return <Failed failure={failure} />;
  if (last?.rowCount === 0) return <Nothing>Every row became an example.</Nothing>;
  return (
    <>
      <p class="muted">{last === undefined ? 'Reading…' : `${String(last.rowCount)} rows could not be used.`}</p>
      <PlainTable label="Quarantine" heads={['code', 'source', 'row', 'reason', 'excerpt']} isPanel>
        {rows.map(({ code, source, row, reason, excerpt }) => (
          <tr key={`${source} ${String(row)}`}>
            <td>
              <code class="whole">{code}</code>
            </td>
            <td>{source}</td>
            <td>{row}</td>
            <td>{reason}</td>
            <td>
              <code>{excerpt}</code>
            </td>
          </tr>
        ))}
      </PlainTable>
      <More more={more} isWaiting={isWaiting} />
    </>
  );
}

const kinds = { image: 'same picture', 'near-image': 'similar pictures', text: 'same text' } as const;

function Leaks({ experimentId }: { readonly experimentId: string }) {
  const pages = usePages<LeakPage>(pathOf(experimentId, 'leaks'));
  const { rows, last, failure, isWaiting, more } = pages;
  if (failure !== undefined) return <Failed failure={failure} />;
  if (last?.rowCount === 0) return <Nothing>No picture or text is in two splits.</Nothing>;
  return (
    <>
      <p class="muted">
        {last === undefined ? 'Reading…' : `${String(last.rowCount)} pictures or texts are in several splits.`} Training
        comes first.
      </p>
      <PlainTable label="Leaks" heads={['what', 'examples', 'digest']} isPanel>
        {rows.map(({ kind, sha256, distance, examples, exampleCount }) => (
          <tr key={sha256}>
            <td>
              {kinds[kind]}
              {distance === undefined ? null : <small> {distance} bits apart</small>}
            </td>
            <td>
              {examples.slice(0, 8).join(', ')}
              {examples.length > 8 ? ` and ${String((exampleCount ?? examples.length) - 8)} more` : ''}
            </td>
            <td>
              <code>{sha256.slice(0, 12)}</code>
            </td>
          </tr>
        ))}
      </PlainTable>
      <More more={more} isWaiting={isWaiting} />
    </>
  );
}
