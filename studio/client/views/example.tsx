/** One example across steps: how what was said about it changed while the judges learnt. */
import { significant } from '../../../judge/report/format.ts';
import type { ExperimentView, History } from '../../api.ts';
import { pathOf } from '../../query.ts';
import { linkTo } from '../address.ts';
import type { ViewProps } from '../app.tsx';
import { armLines, curvesWithRuns } from '../arm-lines.ts';
import { useJson } from '../fetch-json.ts';
import { useSteps } from '../hotkeys.ts';
import { Chart } from '../widgets/chart.tsx';
import { Legend } from '../widgets/legend.tsx';
import { Failed, Nothing, Waiting } from '../widgets/notice.tsx';
import { Prompt } from '../widgets/prompt.tsx';
import { Said, Verdict } from '../widgets/verdict.tsx';

export function Example({ experiment, address }: ViewProps) {
  const { experimentId } = experiment;
  const { example = '' } = address.values;
  const { value, failure } = useJson<History>(pathOf(experimentId, 'history', { example }));
  useSteps('.said a, .said article');
  if (failure !== undefined) return <Failed failure={failure} />;
  if (value === undefined) return <Waiting />;
  const runs = [...new Set(value.rollouts.map(({ runName }) => runName))];
  return (
    <>
      <header class="head">
        <p class="eyebrow">
          Example {example}, {value.example.split} split
        </p>
        <h1>{value.example.task}</h1>
      </header>
      <Prompt experimentId={experimentId} example={value.example} />
      {value.answers.length === 0 ? null : (
        <section>
          <h2>After training</h2>
          <div class="said">
            {value.answers.map((answer) => (
              <article key={`${answer.runName} ${String(answer.order)}`} class="panel" tabIndex={0}>
                <header class="row-head">
                  <Verdict judgment={answer.judgment} isRight={answer.isRight} />
                  <b>{answer.runName}</b>
                  {answer.order === 0 ? null : <small>candidates in order {answer.order + 1}</small>}
                </header>
                <p class="text">{answer.text}</p>
              </article>
            ))}
          </div>
        </section>
      )}
      {runs.length === 0 ? null : (
        <section>
          <h2>Over the steps</h2>
          <div class="chart-head">
            <Legend runs={experiment.runs.filter(({ runName }) => runs.includes(runName))} />
          </div>
          <div class="charts">
            <Chart
              title="Reward"
              about="mean of the group at each step"
              range={[0, 1]}
              lines={linesOf(experiment, value)}
            />
          </div>
        </section>
      )}
      {runs.map((run) => (
        <section key={run}>
          <h2>In training: {run}</h2>
          <div class="said">
            {stepsOf(value, run).map(([step, prompt, rollouts]) => (
              <a
                key={`${String(step)} ${String(prompt)}`}
                class="panel"
                href={linkTo(experimentId, 'group', { run, step, prompt })}
              >
                <b>step {step}</b>
                <small>
                  mean reward {significant(rollouts.reduce((sum, { reward }) => sum + reward, 0) / rollouts.length)}
                </small>
                <span class="chips">
                  {rollouts.map(({ rollout, verdict, reason, accuracy }) => (
                    <Said key={rollout} verdict={verdict} reason={reason} isRight={accuracy === 1} />
                  ))}
                </span>
              </a>
            ))}
          </div>
        </section>
      ))}
      {value.isCut === true ? <p class="muted">Only the first {value.rollouts.length} rollouts are listed.</p> : null}
      {runs.length === 0 ? <Nothing>No run was trained on this example.</Nothing> : null}
    </>
  );
}

/** The example's mean reward at each step that showed it, arm by arm. */
function linesOf(experiment: ExperimentView, history: History) {
  const runs = [...new Set(history.rollouts.map(({ runName }) => runName))];
  const curves = runs.map((runName) => ({
    runName,
    points: stepsOf(history, runName).map(([step, , rollouts]) => ({
      ...{ step, loss: 0, gradientNorm: 0, learningRate: 0 },
      reward: rollouts.reduce((sum, { reward }) => sum + reward, 0) / rollouts.length,
    })),
  }));
  return armLines(curvesWithRuns(experiment, curves), ({ reward }) => reward, false);
}

function stepsOf({ rollouts }: History, run: string) {
  const groups = new Map<string, readonly [number, number, History['rollouts'][number][]]>();
  for (const row of rollouts) {
    if (row.runName !== run) continue;
    const key = `${String(row.step)}.${String(row.prompt)}`;
    const group = groups.get(key) ?? ([row.step, row.prompt, []] as const);
    group[2].push(row);
    groups.set(key, group);
  }
  return [...groups.values()];
}
