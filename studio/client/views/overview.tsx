/** Scores first, then the curves of training: arms and seeds over each other. */
import { useEffect, useState } from 'preact/hooks';
import { count } from '../../../judge/report/format.ts';
import type { CurvePoint } from '../../../judge/report/data.ts';
import type { Curves } from '../../api.ts';
import { pathOf } from '../../query.ts';
import type { ViewProps } from '../app.tsx';
import { armLines, curvesWithRuns, withNewest } from '../arm-lines.ts';
import { useJson } from '../fetch-json.ts';
import { type Progress, useProgress } from '../progress.ts';
import { Chart } from '../widgets/chart.tsx';
import { Legend } from '../widgets/legend.tsx';
import { Failed, Waiting } from '../widgets/notice.tsx';
import { ScoreTable } from '../widgets/score-table.tsx';

interface Measure {
  readonly title: string;
  readonly about: string;
  readonly valueOf: (point: CurvePoint) => number | undefined;
  readonly range?: readonly [number, number];
}

const unit = [0, 1] as const;
const measures: readonly Measure[] = [
  { title: 'Reward', about: 'mean of the step’s rollouts', valueOf: ({ reward }) => reward, range: unit },
  { title: 'Accuracy', about: 'rollouts with the correct verdict', valueOf: ({ accuracy }) => accuracy, range: unit },
  { title: 'Length', about: 'tokens of a completion', valueOf: (point) => point.completionTokenCount },
  { title: 'Entropy', about: 'estimate from sampled tokens, nats', valueOf: ({ entropy }) => entropy },
  { title: 'KL', about: 'from the reference, nats per token', valueOf: ({ klMean }) => klMean },
  { title: 'Clipped ratios', about: 'share of the step’s tokens', valueOf: ({ clippedShare }) => clippedShare },
  {
    title: 'Informative groups',
    about: 'groups with differing rewards',
    valueOf: (point) => point.informativeGroupRate,
    range: unit,
  },
  { title: 'Gradient norm', about: 'before clipping', valueOf: ({ gradientNorm }) => gradientNorm },
  {
    title: 'Loss',
    about: 'of supervised steps, per token',
    valueOf: ({ loss, reward }) => (reward === undefined ? loss : undefined),
  },
];

export function Overview({ experiment }: ViewProps) {
  const { experimentId, name, summary, runs, tasks, dataset, state } = experiment;
  const progress = useProgress(experimentId);
  return (
    <>
      <header class="head">
        <p class="eyebrow">
          {state === 'finished' ? 'Experiment' : `Experiment, ${progress?.progress?.state ?? state}`}
        </p>
        <h1>{experimentId}</h1>
        <p class="lead">{summary ?? name}</p>
        <p class="facts-line">
          <span>{runs.length} runs</span>
          <span>{tasks.length} tasks</span>
          {dataset === undefined ? null : (
            <>
              <span>{count(dataset.exampleCount)} examples</span>
              <span>{count(dataset.imageCount)} pictures</span>
              <span>{count(dataset.quarantinedCount)} rows in quarantine</span>
            </>
          )}
        </p>
      </header>
      <Running progress={progress} />
      {runs.some(({ scores }) => scores.length > 0) ? (
        <section>
          <h2>Scores</h2>
          <p class="muted">
            Macro-F1 in points with bootstrap 95 % intervals; the thin line on each bar is the majority baseline. A
            score opens its answers.
          </p>
          <ScoreTable experiment={experiment} />
        </section>
      ) : null}
      <TrainingCurves {...{ experiment, progress }} />
    </>
  );
}

function Running({ progress }: { readonly progress: Progress | undefined }) {
  const running = progress?.progress;
  if (running === undefined || progress?.status === 'ENDED') return null;
  return (
    <section aria-live="polite">
      <h2>Running</h2>
      <ul class="running">
        {running.runs.map(({ runName, state, phase, step, stepCount }) => (
          <li key={runName}>
            <b>{runName}</b>
            <progress max={Math.max(1, stepCount)} value={step} aria-label={`Steps of ${runName}`} />
            <span>
              {step} of {stepCount}
            </span>
            <small>{phase === '' ? state : phase}</small>
          </li>
        ))}
      </ul>
    </section>
  );
}

interface CurvesProps {
  readonly experiment: ViewProps['experiment'];
  readonly progress: Progress | undefined;
}

function TrainingCurves({ experiment, progress }: CurvesProps) {
  const [showsSeeds, setShowsSeeds] = useState(false);
  const { value, failure } = useJson<Curves>(pathOf(experiment.experimentId, 'curves'));
  const newest = useNewestSteps(progress);
  if (failure !== undefined) return <Failed failure={failure} />;
  if (value === undefined) return <Waiting />;
  const known = experiment.runs.map(({ runName }) => ({
    runName,
    points: withNewest(value.runs.find((run) => run.runName === runName)?.points ?? [], newest.get(runName) ?? []),
  }));
  const curves = curvesWithRuns(experiment, known);
  if (curves.length === 0) return null;
  const hasSeeds = new Set(curves.map(({ run }) => run.arm)).size < curves.length;
  const tasks = [
    ...new Set(curves.flatMap(({ points }) => points.flatMap(({ byTask = [] }) => byTask.map(({ task }) => task)))),
  ];
  return (
    <>
      <section>
        <h2>Training</h2>
        <div class="chart-head">
          <Legend runs={curves.map(({ run }) => run)} />
          {hasSeeds ? (
            <label class="check">
              <input type="checkbox" checked={showsSeeds} onChange={() => setShowsSeeds(!showsSeeds)} /> each seed
            </label>
          ) : null}
        </div>
        <div class="charts">
          {measures.map(({ valueOf, ...chart }) => (
            <Chart key={chart.title} {...chart} lines={armLines(curves, valueOf, showsSeeds)} />
          ))}
        </div>
        {hasSeeds ? (
          <p class="muted">Lines are means over seeds; bands reach from the lowest seed to the highest.</p>
        ) : null}
      </section>
      {tasks.length < 2 ? null : (
        <section>
          <h2>Accuracy by task</h2>
          <div class="charts">
            {tasks.map((task) => (
              <Chart
                key={task}
                title={task}
                about="rollouts with the correct verdict"
                range={unit}
                lines={armLines(
                  curves,
                  ({ byTask = [] }) => byTask.find((point) => point.task === task)?.accuracy,
                  showsSeeds,
                )}
              />
            ))}
          </div>
        </section>
      )}
    </>
  );
}

/** Steps that came while the page was open, by run. */
const newestCountMax = 500;

function useNewestSteps(progress: Progress | undefined): ReadonlyMap<string, readonly CurvePoint[]> {
  const [newest, setNewest] = useState<ReadonlyMap<string, readonly CurvePoint[]>>(new Map());
  useEffect(() => {
    const told = progress?.progress?.runs ?? [];
    if (told.length === 0) return;
    setNewest((before) => {
      const after = new Map(before);
      for (const { runName, last } of told) {
        const steps = after.get(runName) ?? [];
        if (last !== undefined && steps.at(-1)?.step !== last.step)
          after.set(runName, [...steps, last].slice(-newestCountMax));
      }
      return after;
    });
  }, [progress]);
  return newest;
}
