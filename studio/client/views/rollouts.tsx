/** Rollouts of a run by step, task, reward, verdict, reason and text. The filter is in the address. */
import { useEffect, useState } from 'preact/hooks';
import { significant } from '../../../judge/report/format.ts';
import type { Curves, Matches, RolloutPage } from '../../api.ts';
import { pathOf, queryOf } from '../../query.ts';
import { change, linkTo } from '../address.ts';
import type { ViewProps } from '../app.tsx';
import { isBundle } from '../bundle.ts';
import { useJson } from '../fetch-json.ts';
import { useSteps } from '../hotkeys.ts';
import { AnswerCard } from '../widgets/answer-card.tsx';
import { Select } from '../widgets/choices.tsx';
import { More } from '../widgets/more.tsx';
import { Failed, Nothing, Waiting } from '../widgets/notice.tsx';
import { usePages } from '../widgets/pages.ts';
import { RightChoice } from '../widgets/right-choice.tsx';
import { StepBar } from '../widgets/step-bar.tsx';
import { Said } from '../widgets/verdict.tsx';

export function Rollouts({ experiment, address }: ViewProps) {
  const { experimentId, runs } = experiment;
  const { values } = address;
  const curves = useJson<Curves>(pathOf(experimentId, 'curves'));
  const trained = runs.filter(({ runName }) =>
    curves.value?.runs.some((run) => run.runName === runName && run.points.some(({ reward }) => reward !== undefined)),
  );
  const run = values['run'] ?? trained.at(-1)?.runName;
  const step = values['step'] === undefined ? undefined : Number(values['step']);
  const { task, verdict, reason, right, min, max, q } = values;
  const isFiltered = queryOf({ task, verdict, reason, right, min, max, q }) !== '';
  const path =
    run === undefined
      ? undefined
      : pathOf(experimentId, 'rollouts', { run, step, task, verdict, reason, right, min, max, q });
  const pages = usePages<RolloutPage>(path);
  const matches = useJson<Matches>(
    run === undefined || isBundle
      ? undefined
      : pathOf(experimentId, 'matches', { run, task, verdict, reason, right, min, max, q }),
  );
  useSteps('.rollout > a.open');
  if (curves.failure !== undefined) return <Failed failure={curves.failure} />;
  if (curves.value === undefined) return <Waiting />;
  if (trained.length === 0)
    return <Nothing>No step with rollouts is stored. Steps become readable with each snapshot.</Nothing>;
  const points = curves.value.runs.find(({ runName }) => runName === run)?.points ?? [];
  const set = (changed: Readonly<Record<string, string | number | undefined>>) => change(address, changed);
  const steps = pages.last?.steps ?? points.map((point) => point.step);
  const nearest = (each: number) => points.findLast((point) => point.step <= each)?.reward;
  const shareOf = (each: number): number | undefined => {
    const found = isFiltered ? matches.value?.steps.find((one) => one.step === each) : undefined;
    return found && found.matchCount / found.rolloutCount;
  };
  return (
    <>
      <h1>Rollouts</h1>
      <div class="filters panel">
        <Select
          name="Run"
          value={run}
          values={trained.map(({ runName }) => [runName, runName])}
          choose={(value) => set({ run: value })}
        />
        {isBundle ? null : (
          <>
            <Select
              name="Task"
              value={task}
              values={[['', 'all tasks'], ...experiment.tasks.map(({ name }) => [name, name] as const)]}
              choose={(value) => set({ task: value })}
            />
            <Select
              name="Verdict"
              value={verdict ?? (reason === undefined ? '' : `?${reason}`)}
              values={[
                ['', 'all verdicts'],
                ...(matches.value?.verdicts ?? []).map((each) => [each, each] as const),
                ['?any', 'unparsable'],
                ...(matches.value?.reasons ?? []).map((each) => [`?${each}`, `· ${each}`] as const),
              ]}
              choose={(value) =>
                set(value.startsWith('?') ? { reason: value.slice(1), verdict: '' } : { verdict: value, reason: '' })
              }
            />
            <Typed
              name="Reward from"
              value={min}
              isNumber
              type={(value) => change(address, { min: value }, 'replace')}
            />
            <Typed name="to" value={max} isNumber type={(value) => change(address, { max: value }, 'replace')} />
            <Typed
              name="Text (regular expression)"
              value={q}
              type={(value) => change(address, { q: value }, 'replace')}
            />
            <RightChoice value={right} choose={(value) => set({ right: value })} />
          </>
        )}
      </div>
      <StepBar
        items={steps.map((each) => ({ step: each, reward: nearest(each), share: shareOf(each) }))}
        step={step}
        choose={(value) => set({ step: value })}
      />
      <p class="facts-line" role="status">
        {isBundle ? (
          <span>some steps of the run, and some rollouts of each</span>
        ) : matches.value === undefined ? (
          <span>counting…</span>
        ) : (
          <span>
            {isFiltered ? `${String(matches.value.matchCount)} of ` : ''}
            {matches.value.rolloutCount} rollouts of the run
          </span>
        )}
        {isFiltered || step !== undefined ? (
          <a href={linkTo(experimentId, 'rollouts', { run })}>clear the filter</a>
        ) : null}
      </p>
      {pages.failure === undefined ? null : <Failed failure={pages.failure} />}
      {pages.rows.length === 0 && !pages.isWaiting && pages.failure === undefined ? (
        <Nothing>No rollout matches the filter.</Nothing>
      ) : null}
      <div class="rollouts">
        {pages.rows.map((row) => (
          <AnswerCard
            key={`${String(row.step)}.${String(row.prompt)}.${String(row.rollout)}`}
            experimentId={experimentId}
            images={row.images}
            href={linkTo(experimentId, 'group', { run, step: row.step, prompt: row.prompt, rollout: row.rollout })}
            text={row.text}
          >
            <Said verdict={row.verdict} reason={row.reason} isRight={row.accuracy === 1} />
            <b>{significant(row.reward)}</b>
            <small>
              {row.task}, label {row.label}, step {row.step}
              {row.finishReason === 'length' ? ', cut' : ''}
            </small>
          </AnswerCard>
        ))}
      </div>
      <More more={pages.more} isWaiting={pages.isWaiting} />
    </>
  );
}

interface TypedProps {
  readonly name: string;
  readonly value: string | undefined;
  readonly isNumber?: boolean;
  readonly type: (value: string) => void;
}

/** Waits until the typing stops. */
function Typed({ name, value = '', isNumber = false, type }: TypedProps) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => type(text), 250);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label class={isNumber ? 'field short' : 'field wide'}>
      <span>{name}</span>
      <input
        type="text"
        inputMode={isNumber ? 'decimal' : 'text'}
        spellcheck={false}
        value={text}
        onInput={({ currentTarget }) => setText(currentTarget.value)}
      />
    </label>
  );
}
