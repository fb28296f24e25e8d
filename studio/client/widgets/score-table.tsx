/** The score table: runs by tasks, with intervals, and the way from each score to its answers. */
import { interval, points } from '../../../judge/report/format.ts';
import type { TaskScores } from '../../../judge/evaluation/task-scores.ts';
import type { ExperimentView, RunView } from '../../api.ts';
import { linkTo } from '../address.ts';

export function ScoreTable({ experiment }: { readonly experiment: ExperimentView }) {
  const { tasks, runs } = experiment;
  const scored = tasks.filter(({ name }) => runs.some(({ scores }) => scores.some(({ task }) => task === name)));
  if (scored.length === 0) return null;
  const seen = scored.filter(({ ood }) => !ood);
  const unseen = scored.filter(({ ood }) => ood);
  const best = new Map(
    scored.map(({ name }) => [name, Math.max(...runs.map((run) => mainScore(scoreOf(run, name)) ?? -1))]),
  );
  return (
    <div class="panel scroll" tabIndex={0} role="region" aria-label="Scores">
      <table class="scores">
        <thead>
          <tr>
            <th scope="col" class="arm">
              Run
            </th>
            {seen.map(({ name }) => (
              <th scope="col" key={name}>
                {name}
              </th>
            ))}
            {unseen.map(({ name }) => (
              <th scope="col" key={name} class="unseen">
                {name}
                <small>never trained</small>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <tr key={run.runName}>
              <th scope="row" class="arm">
                <i class={`dot s${String(run.series)}`} />
                {run.arm}
                <small>{noteOf(run, runs)}</small>
              </th>
              {[...seen, ...unseen].map(({ name, ood }) => (
                <Cell
                  key={name}
                  experimentId={experiment.experimentId}
                  run={run}
                  scores={scoreOf(run, name)}
                  isUnseen={ood}
                  isBest={runs.length > 1 && mainScore(scoreOf(run, name)) === best.get(name)}
                />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface CellProps {
  readonly experimentId: string;
  readonly run: RunView;
  readonly scores: TaskScores | undefined;
  readonly isUnseen: boolean;
  readonly isBest: boolean;
}

function Cell({ experimentId, run, scores, isUnseen, isBest }: CellProps) {
  if (scores === undefined) return <td>–</td>;
  const { ci95, unparsableRate, majorityMacroF1, task } = scores;
  const value = mainScore(scores) ?? 0;
  return (
    <td class={[isBest ? 'best' : '', isUnseen ? 'unseen' : ''].join(' ')}>
      <a href={linkTo(experimentId, 'evaluation', { run: run.runName, task })}>{points(value)}</a>
      <small>{interval(ci95)}</small>
      {ci95 === undefined ? null : (
        <svg
          class={`interval s${String(run.series)}`}
          viewBox="0 0 100 8"
          preserveAspectRatio="none"
          aria-hidden="true"
        >
          <rect class="track" x="0" y="3" width="100" height="2" />
          <rect class="range" x={ci95[0] * 100} y="1" width={Math.max(2, (ci95[1] - ci95[0]) * 100)} height="6" />
          <rect class="mark" x={value * 100 - 0.9} y="0" width="1.8" height="8" />
          {majorityMacroF1 === undefined ? null : (
            <rect class="base" x={majorityMacroF1 * 100} y="0" width="0.8" height="8" />
          )}
        </svg>
      )}
      {unparsableRate < 0.005 ? null : <small class="warn">{points(unparsableRate)} % unparsable</small>}
    </td>
  );
}

function scoreOf({ scores }: RunView, task: string): TaskScores | undefined {
  return scores.find((each) => each.task === task);
}

/** Macro-F1, or accuracy where verdicts are no classes. */
function mainScore(scores: TaskScores | undefined): number | undefined {
  return scores?.macroF1 ?? scores?.accuracy;
}

function noteOf({ arm, seed, objective, algorithm, mode }: RunView, runs: readonly RunView[]): string {
  const how = objective === 'none' ? 'as given' : objective === 'sft' ? 'supervised' : (algorithm ?? objective);
  const hasSeeds = runs.filter((run) => run.arm === arm).length > 1;
  return `${how}, ${mode}${hasSeeds ? `, seed ${String(seed)}` : ''}`;
}
