/** The evaluation of a run on a task: its scores, the confusion matrix, and the answers behind each cell. */
import { interval, points, significant } from '../../../judge/report/format.ts';
import type { TaskScores } from '../../../judge/evaluation/task-scores.ts';
import type { JudgmentPage } from '../../api.ts';
import { pathOf, queryOf } from '../../query.ts';
import { change, linkTo } from '../address.ts';
import type { ViewProps } from '../app.tsx';
import { isBundle } from '../bundle.ts';
import { useSteps } from '../hotkeys.ts';
import { Select } from '../widgets/choices.tsx';
import { ConfusionMatrix } from '../widgets/confusion.tsx';
import { JudgmentList } from '../widgets/judgment-list.tsx';
import { Nothing } from '../widgets/notice.tsx';
import { usePages } from '../widgets/pages.ts';
import { RightChoice } from '../widgets/right-choice.tsx';
import { SliceTable } from '../widgets/slice-table.tsx';
import { VariantTable } from '../widgets/variant-table.tsx';

export function Evaluation({ experiment, address }: ViewProps) {
  const { experimentId, runs } = experiment;
  const { values } = address;
  const evaluated = runs.filter(({ scores }) => scores.length > 0);
  const run =
    evaluated.find(({ runName }) => runName === values['run']) ??
    (values['run'] === undefined ? evaluated.at(-1) : undefined);
  const scores = run?.scores.find(({ task }) => task === values['task']) ?? run?.scores[0];
  const { label, verdict, right, flips, variant, slice } = values;
  const filter = { run: run?.runName, task: scores?.task, label, verdict, right, flips, variant, slice };
  const path = pathOf(experimentId, 'judgments', filter);
  const pages = usePages<JudgmentPage>(scores === undefined ? undefined : path);
  useSteps('.rollout > a.open');
  if (evaluated.length === 0) return <Nothing>Nothing is evaluated yet: that comes after training.</Nothing>;
  if (run === undefined || scores === undefined)
    return (
      <Nothing>
        This run has no evaluation. It may have been deleted, or have another name: choose one in the score table.
      </Nothing>
    );
  const link = (changed: Readonly<Record<string, string | undefined>>) =>
    linkTo(experimentId, 'evaluation', { run: run.runName, task: scores.task, ...changed });
  const set = (changed: Readonly<Record<string, string>>) =>
    change(address, { label: '', verdict: '', slice: '', ...changed });
  const isFiltered = queryOf({ label, verdict, right, flips, variant, slice }) !== '';
  return (
    <>
      <h1>Evaluation</h1>
      <div class="filters panel">
        <Select
          name="Run"
          value={run.runName}
          values={evaluated.map(({ runName }) => [runName, runName])}
          choose={(value) => set({ run: value })}
        />
        <Select
          name="Task"
          value={scores.task}
          values={run.scores.map(({ task }) => [task, task])}
          choose={(value) => set({ task: value, flips: '' })}
        />
      </div>
      <Figures scores={scores} />
      <div class="columns">
        {scores.confusion === undefined ? null : (
          <section>
            <h2>Confusion</h2>
            <p class="muted">A cell opens its answers. All orders of the candidates are counted.</p>
            <ConfusionMatrix
              confusion={scores.confusion}
              open={{ label, verdict }}
              linkOf={(ofLabel, ofVerdict) => link({ label: ofLabel, verdict: ofVerdict })}
            />
          </section>
        )}
        <VariantTable scores={scores} linkOf={(name) => link({ variant: name })} open={variant} />
        <SliceTable scores={scores} linkOf={(value) => link({ slice: value })} open={slice} />
      </div>
      <section>
        <h2>Answers</h2>
        <div class="chart-head">
          {isBundle ? null : (
            <>
              <RightChoice value={right} choose={(value) => change(address, { right: value })} />
              {scores.consistencyRate === undefined ? null : (
                <label class="check">
                  <input
                    type="checkbox"
                    checked={flips === 'yes'}
                    onChange={() => change(address, { flips: flips === 'yes' ? '' : 'yes' })}
                  />{' '}
                  only order flips
                </label>
              )}
            </>
          )}
          <span class="muted" role="status">
            {[
              pages.last === undefined ? 'reading…' : `${String(pages.last.matchCount)} answers`,
              label && `label ${label}`,
              verdict && `verdict ${verdict}`,
              variant,
              slice,
            ]
              .filter(Boolean)
              .join(', ')}
          </span>
          {isFiltered ? <a href={link({})}>clear the filter</a> : null}
        </div>
        <JudgmentList experimentId={experimentId} pages={pages} />
      </section>
    </>
  );
}

function Figures({ scores }: { readonly scores: TaskScores }) {
  const { macroF1, ci95, accuracy, unparsableRate, truncatedRate, exampleCount, cohenKappa } = scores;
  const { consistencyRate, firstPositionRate, majorityMacroF1, forcedChoice } = scores;
  const figures: readonly (readonly [name: string, value: string, note?: string])[] = [
    ...(macroF1 === undefined ? [] : [['Macro-F1', points(macroF1), interval(ci95)] as const]),
    ['accuracy', points(accuracy), `${String(exampleCount)} examples`],
    ...(majorityMacroF1 === undefined ? [] : [['majority baseline', points(majorityMacroF1)] as const]),
    ...(cohenKappa === undefined ? [] : [['Cohen’s kappa', significant(cohenKappa)] as const]),
    ...(consistencyRate === undefined ? [] : [['same choice in all orders', points(consistencyRate)] as const]),
    ...(firstPositionRate === undefined ? [] : [['first position', points(firstPositionRate)] as const]),
    ...(forcedChoice === undefined
      ? []
      : [['forced choice', points(forcedChoice.macroF1), `calibration error ${points(forcedChoice.ece)}`] as const]),
    ['unparsable', points(unparsableRate), `cut ${points(truncatedRate)}`],
  ];
  return (
    <ul class="figures">
      {figures.map(([name, value, note]) => (
        <li key={name}>
          <b>{value}</b>
          <span>{name}</span>
          {note === undefined ? null : <small>{note}</small>}
        </li>
      ))}
    </ul>
  );
}
