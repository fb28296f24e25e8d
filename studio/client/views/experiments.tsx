/** The experiments that there are. */
import type { ExperimentEntry } from '../../api.ts';
import { linkTo } from '../address.ts';
import { useJson } from '../fetch-json.ts';
import { useSteps } from '../hotkeys.ts';
import { Moment } from '../widgets/moment.tsx';
import { Failed, Nothing, Waiting } from '../widgets/notice.tsx';

export function Experiments() {
  const { value, failure } = useJson<readonly ExperimentEntry[]>('/api/experiments');
  useSteps('.entries a');
  return (
    <>
      <h1>Experiments</h1>
      {failure === undefined ? null : <Failed failure={failure} />}
      {value === undefined && failure === undefined ? <Waiting /> : null}
      {value?.length === 0 ? <Nothing>No experiment has finished yet. Start one with `mtrl run`.</Nothing> : null}
      <ul class="entries panel">
        {(value ?? []).map(({ experimentId, state, finishedAtMs }) => (
          <li key={experimentId}>
            <a href={linkTo(experimentId, 'overview')}>
              <b>{experimentId}</b>
              <span class={state === 'finished' ? 'state' : 'state live'}>{state}</span>
              {finishedAtMs === undefined ? <time /> : <Moment at={finishedAtMs} />}
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}
