/** A group side by side: what the step learnt from one prompt. */
import { significant } from '../../../judge/report/format.ts';
import type { GroupView, RolloutView } from '../../api.ts';
import { pathOf } from '../../query.ts';
import { change, linkTo } from '../address.ts';
import type { ViewProps } from '../app.tsx';
import { useJson } from '../fetch-json.ts';
import { useHotkeys, useSteps } from '../hotkeys.ts';
import { Choices } from '../widgets/choices.tsx';
import { Failed, Waiting } from '../widgets/notice.tsx';
import { Prompt } from '../widgets/prompt.tsx';
import { type Colouring, Tokens } from '../widgets/tokens.tsx';
import { Verdict } from '../widgets/verdict.tsx';

const colourings = [
  ['none', 'plain'],
  ['advantage', 'advantage'],
  ['log-prob', 'log-prob'],
  ['loss', 'loss mask'],
] as const;

const meanings: Readonly<Record<Colouring, string>> = {
  none: 'Completions as text.',
  advantage:
    'Green tokens are made more likely by the step, red ones less; all tokens of a rollout share its advantage.',
  'log-prob': 'The darker a token, the less likely it was to be sampled.',
  loss: 'Green tokens are in the loss. Those of a group without advantages are left out of it.',
};

export function Group({ experiment, address }: ViewProps) {
  const { experimentId } = experiment;
  const { run = '', step = '', prompt = '0', rollout, colour = 'advantage' } = address.values;
  const colouring: Colouring = colourings.find(([name]) => name === colour)?.[0] ?? 'none';
  const path = pathOf(experimentId, 'group', { run, step, prompt });
  const { value, failure } = useJson<GroupView>(path);
  const move = (by: number) => () => {
    const next = Number(prompt) + by;
    if (value !== undefined && next >= 0 && next < value.promptCount) change(address, { prompt: next, rollout: '' });
  };
  useHotkeys([
    { key: 'ArrowLeft', meaning: 'prompt before', press: move(-1) },
    { key: 'ArrowRight', meaning: 'next prompt', press: move(1) },
    {
      key: 'c',
      meaning: 'next colouring',
      press: () => {
        const at = colourings.findIndex(([name]) => name === colouring);
        change(address, { colour: colourings[(at + 1) % colourings.length]?.[0] }, 'replace');
      },
    },
  ]);
  useSteps('.group article');
  if (failure !== undefined) return <Failed failure={failure} />;
  if (value === undefined) return <Waiting />;
  const advantageMax = Math.max(0, ...value.rollouts.map(({ advantage = 0 }) => Math.abs(advantage)));
  return (
    <>
      <header class="head">
        <p class="eyebrow">
          <a href={linkTo(experimentId, 'rollouts', { run, step })}>
            {run}, step {step}
          </a>
        </p>
        <h1>
          Group {Number(prompt) + 1} <small>of {value.promptCount}</small>
        </h1>
        <p class="facts-line">
          <a href={linkTo(experimentId, 'example', { example: value.example.exampleIndex })}>
            this example over all steps
          </a>
          <span>sampled at temperature {significant(value.temperature)}</span>
        </p>
      </header>
      <Prompt experimentId={experimentId} example={value.example} />
      <div class="chart-head">
        <Choices
          name="Colours"
          value={colouring}
          values={colourings}
          choose={(each) => change(address, { colour: each }, 'replace')}
        />
        <span class="muted">{meanings[colouring]}</span>
      </div>
      <div class="group">
        {value.rollouts.map((each, i) => (
          <Column key={i} rollout={each} isChosen={rollout === String(i)} {...{ colouring, advantageMax }} />
        ))}
      </div>
    </>
  );
}

function signed(value: number): string {
  return `${value > 0 ? '+' : value < 0 ? '−' : ''}${significant(Math.abs(value))}`;
}

interface ColumnProps {
  readonly rollout: RolloutView;
  readonly isChosen: boolean;
  readonly colouring: Colouring;
  readonly advantageMax: number;
}

function Column({ rollout, isChosen, colouring, advantageMax }: ColumnProps) {
  const { judgment, reward, advantage, tokens, finishReason } = rollout;
  const { value, ...parts } = reward;
  return (
    <article tabIndex={0} class={isChosen ? 'panel chosen' : 'panel'}>
      <header class="row-head">
        <Verdict judgment={judgment} isRight={reward.accuracy === 1} />
        <b>{significant(value)}</b>
        {advantage === undefined ? null : (
          <span class={advantage > 0 ? 'good' : advantage < 0 ? 'bad' : 'muted'}>{signed(advantage)}</span>
        )}
      </header>
      <Tokens {...{ rollout, colouring, advantageMax }} />
      <p class="facts-line">
        {Object.entries(parts).map(([name, part]) => (
          <span key={name}>
            {name} {typeof part === 'number' ? significant(part) : part}
          </span>
        ))}
        <span>{tokens.length} tokens</span>
        {finishReason === 'length' ? <span class="warn">cut</span> : null}
      </p>
    </article>
  );
}
