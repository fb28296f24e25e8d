/** Promoted names: who switched them when, and what the gate found. */
import { significant } from '../../../judge/report/format.ts';
import type { PromotionsView } from '../../api.ts';
import { linkTo } from '../address.ts';
import { useJson } from '../fetch-json.ts';
import { Failed, Nothing, Waiting } from '../widgets/notice.tsx';

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
          {[...versions].reverse().map(({ version, experimentId, runName, promotedAt, checks }) => (
            <article key={version} class="panel version">
              <header class="row-head">
                <span class={version === current ? 'chip' : 'chip old'}>version {version}</span>
                <a href={linkTo(experimentId, 'evaluation', { run: runName })}>
                  {runName} of {experimentId}
                </a>
                <time>{promotedAt}</time>
              </header>
              <ul class="checks">
                {checks.map(({ rule, value: found, passed }) => (
                  <li key={rule}>
                    <span class={passed ? 'good' : 'bad'}>{passed ? 'passed' : 'not passed'}</span> {rule}:{' '}
                    {significant(found)}
                  </li>
                ))}
              </ul>
            </article>
          ))}
          <details>
            <summary>History ({events.length})</summary>
            <ol class="checks">
              {events.map(({ revision, kind, version, at, by, reason }) => (
                <li key={revision}>
                  {at}: {kind} to {version === null ? 'nothing' : `version ${String(version)}`}
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
