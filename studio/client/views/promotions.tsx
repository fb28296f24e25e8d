/** Promoted names: who switched them when, and what the gate measured. */
import { significant } from '../../../judge/report/format.ts';
import type { PromotedView, PromotionsView } from '../../api.ts';
import { linkTo } from '../address.ts';
import { useJson } from '../fetch-json.ts';
import { Moment } from '../widgets/moment.tsx';
import { Failed, Nothing, Waiting } from '../widgets/notice.tsx';
import { PlainTable } from '../widgets/plain-table.tsx';

export function Promotions() {
  const { value, failure } = useJson<PromotionsView>('/api/promotions');
  return (
    <>
      <h1>Promotions</h1>
      {failure === undefined ? null : <Failed failure={failure} />}
      {value === undefined && failure === undefined ? <Waiting /> : null}
      {value?.names.length === 0 ? <Nothing>No judge has been promoted yet.</Nothing> : null}
      {(value?.names ?? []).map(({ name, current, versions, events }) => (
        <section key={name}>
          <h2>
            {name} <small>{current === null ? 'nothing promoted' : `version ${String(current)}`}</small>
          </h2>
          {[...versions].reverse().map((promoted) => (
            <Version key={promoted.version} promoted={promoted} isCurrent={promoted.version === current} />
          ))}
          <details>
            <summary>History ({events.length})</summary>
            <ol class="checks">
              {events.map(({ revision, kind, version, at, by, reason }) => (
                <li key={revision}>
                  <Moment at={at} />: {kind} to {version === null ? 'nothing' : `version ${String(version)}`}
                  {by === undefined ? '' : ` by ${by}`}
                  {reason === undefined ? '' : `: ${reason}`}
                </li>
              ))}
            </ol>
          </details>
        </section>
      ))}
    </>
  );
}

function Version({ promoted, isCurrent }: { readonly promoted: PromotedView; readonly isCurrent: boolean }) {
  const { version, experimentId, runName, promotedAt, approvedBy, gate, tasks } = promoted;
  return (
    <article class="panel version">
      <header class="row-head">
        <span class={isCurrent ? 'chip' : 'chip old'}>version {version}</span>
        <a href={linkTo(experimentId, 'evaluation', { run: runName })}>
          {runName} of {experimentId}
        </a>
        <Moment at={promotedAt} />
      </header>
      <p>
        {gate === undefined ? (
          'Promoted without a gate.'
        ) : (
          <span class={gate.passed ? 'good' : 'bad'}>
            {gate.passed ? 'The gate passed' : 'Promoted although the gate held it back'}
            {gate.against === null ? '' : `, against ${gate.against}`}.
          </span>
        )}
        {approvedBy === undefined ? '' : ` Approved by ${approvedBy}.`}
      </p>
      {gate === undefined ? null : (
        <PlainTable
          label={`What the gate measured for version ${String(version)}`}
          heads={['rule', 'measured', 'limit', 'verdict']}
        >
          {gate.checks.map(({ rule, value, limit, passed }) => (
            <tr key={rule}>
              <td>{rule}</td>
              <td>{significant(value)}</td>
              <td>{significant(limit)}</td>
              <td class={passed ? 'good' : 'bad'}>{passed ? 'passed' : 'not passed'}</td>
            </tr>
          ))}
        </PlainTable>
      )}
      <PlainTable
        label={`Scores of version ${String(version)}`}
        heads={['task', 'score', `version ${String(version)}`, gate?.against ?? 'before']}
      >
        {tasks.map(({ task, split, candidate, current }) => (
          <tr key={task}>
            <td>
              <a href={linkTo(experimentId, 'evaluation', { run: runName, task })}>{task}</a> {split}
            </td>
            <td>{candidate.macroF1 === undefined ? 'accuracy' : 'Macro-F1'}</td>
            <td>{scoreText(candidate)}</td>
            <td>{current === undefined ? '\u2013' : scoreText(current)}</td>
          </tr>
        ))}
      </PlainTable>
    </article>
  );
}

/** With its 95 % interval, if there is one. */
function scoreText({ macroF1, ci95, accuracy }: PromotedView['tasks'][number]['candidate']): string {
  const interval = ci95 === undefined ? '' : ` (${ci95.map(significant).join('\u2013')})`;
  return `${significant(macroF1 ?? accuracy)}${interval}`;
}
