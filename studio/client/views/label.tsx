/** The queue of examples to label: blind to what judges said until the label is kept. */
import { useEffect, useState } from 'preact/hooks';
import type { AgreementView, Failure, GivenLabel, LabelAnswer, QueueView } from '../../api.ts';
import { pathOf } from '../../query.ts';
import { type QueueOrder, queueOrders } from '../../labels/person-label.ts';
import { change } from '../address.ts';
import type { ViewProps } from '../app.tsx';
import { postJson, useJson } from '../fetch-json.ts';
import { useHotkeys } from '../hotkeys.ts';
import { Choices, Select } from '../widgets/choices.tsx';
import { Failed, Nothing, Waiting } from '../widgets/notice.tsx';
import { Prompt } from '../widgets/prompt.tsx';
import { Verdict } from '../widgets/verdict.tsx';

const orders: Readonly<Record<QueueOrder, string>> = {
  random: 'at random',
  uncertainty: 'judges unsure first',
  disagreement: 'judges disagree first',
};

/** Digits without a label lead to no other view here: the next example may only just be on its way. */
const spareDigits = Array.from({ length: 9 }, (_, i) => ({ key: String(i + 1), meaning: '', press: () => undefined }));

export function Label({ experiment, address }: ViewProps) {
  const { experimentId, tasks } = experiment;
  const task = address.values['task'] ?? tasks[0]?.name ?? '';
  const order = queueOrders.find((each) => each === address.values['order']) ?? 'random';
  const [skipCount, setSkipCount] = useState(0);
  const [version, setVersion] = useState(0);
  const [answer, setAnswer] = useState<LabelAnswer>();
  const [failure, setFailure] = useState<Failure['error']>();
  const [note, setNote] = useState('');
  const queue = useJson<QueueView>(pathOf(experimentId, 'queue', { task, order, skip: skipCount }), version);
  const agreement = useJson<AgreementView>(pathOf(experimentId, 'agreement', { task }), version);
  useEffect(() => {
    setSkipCount(0);
    setAnswer(undefined);
  }, [task, order]);

  // Never an example that is on its way out: the label would be another one's.
  const value = queue.isWaiting ? undefined : queue.value;
  const give = async (label: string): Promise<void> => {
    if (value?.example === undefined) return;
    const { exampleIndex } = value.example;
    const given: GivenLabel = { task, exampleIndex, label, order, ...(note !== '' && { note }) };
    const told = await postJson<LabelAnswer>(pathOf(experimentId, 'labels'), given);
    if ('value' in told) setAnswer(told.value);
    setFailure('failure' in told ? told.failure : undefined);
  };
  const next = (): void => {
    setAnswer(undefined);
    setNote('');
    setVersion(version + 1);
  };
  useHotkeys([
    ...(answer === undefined
      ? [
          ...(value?.labels ?? []).slice(0, 9).map((label, i) => ({
            ...{ key: String(i + 1), meaning: `label ${label}`, press: () => void give(label) },
          })),
          { key: 's', meaning: 'pass over for now', press: () => setSkipCount(skipCount + 1) },
        ]
      : [{ key: 'Enter', meaning: 'next example', press: next }]),
    ...spareDigits,
  ]);
  return (
    <div class="label-queue">
      <h1>Label</h1>
      <div class="filters panel">
        <Select
          name="Task"
          value={task}
          values={tasks.map(({ name }) => [name, name])}
          choose={(each) => change(address, { task: each })}
        />
        <Choices
          name="Order"
          value={order}
          values={Object.entries(orders) as [QueueOrder, string][]}
          choose={(each) => change(address, { order: each })}
        />
      </div>
      {queue.failure === undefined ? null : <Failed failure={queue.failure} />}
      {failure === undefined ? null : <Failed failure={failure} />}
      {value === undefined ? queue.failure === undefined ? <Waiting /> : null : null}
      {value === undefined || value.example === undefined ? (
        value === undefined ? null : (
          <Nothing>You have labelled all examples of this task.</Nothing>
        )
      ) : (
        <>
          <Prompt experimentId={experimentId} example={value.example} />
          {answer === undefined ? (
            <>
              <div class="answer-row" role="group" aria-label="Labels">
                {value.labels.map((label, i) => (
                  <button key={label} type="button" onClick={() => void give(label)}>
                    {i < 9 ? <kbd aria-hidden="true">{i + 1}</kbd> : null}
                    {label}
                  </button>
                ))}
              </div>
              <label class="field wide">
                <span>Note</span>
                <input type="text" value={note} onInput={({ currentTarget }) => setNote(currentTarget.value)} />
              </label>
            </>
          ) : (
            <Answered answer={answer} next={next} />
          )}
        </>
      )}
      <Counts
        {...{
          queue: queue.value,
          agreement: agreement.value,
          exportLink: pathOf(experimentId, 'labels.jsonl', { task }),
        }}
      />
    </div>
  );
}

function Answered({ answer, next }: { readonly answer: LabelAnswer; readonly next: () => void }) {
  return (
    <section aria-live="polite">
      <p>
        You said <b>{answer.kept.label}</b>; the label of the row is <b>{answer.label}</b>.
      </p>
      <div class="said">
        {answer.answers.map((each) => (
          <article key={`${each.runName} ${String(each.order)}`} class="panel">
            <header class="row-head">
              <Verdict
                judgment={each.judgment}
                isRight={each.judgment.ok && each.judgment.verdict === answer.kept.label}
              />
              <b>{each.runName}</b>
              {each.order === 0 ? null : <small>candidates in order {each.order + 1}</small>}
            </header>
            <p class="text">{each.text}</p>
          </article>
        ))}
      </div>
      <div class="answer-row">
        <button type="button" onClick={next}>
          <kbd aria-hidden="true">Enter</kbd>Next
        </button>
      </div>
    </section>
  );
}

interface CountsProps {
  readonly queue: QueueView | undefined;
  readonly agreement: AgreementView | undefined;
  readonly exportLink: string;
}

function Counts({ queue, agreement, exportLink }: CountsProps) {
  if (queue === undefined) return null;
  return (
    <section>
      <p class="facts-line">
        <span>{queue.labelledCount} labelled by you</span>
        <span>{queue.waitingCount} waiting</span>
        {agreement === undefined || agreement.labelCount === 0 ? null : (
          <>
            <span>
              {agreement.labelCount} labels of {agreement.people} {agreement.people === 1 ? 'person' : 'people'}
            </span>
            <a href={exportLink} download>
              export as JSON Lines
            </a>
          </>
        )}
      </p>
      {agreement === undefined || agreement.randomCount === 0 ? null : (
        <table class="plain">
          <thead>
            <tr>
              <th scope="col">judge</th>
              <th scope="col">agrees with people</th>
            </tr>
          </thead>
          <tbody>
            {agreement.runs.map(({ runName, count, agreedCount }) => (
              <tr key={runName}>
                <th scope="row">{runName}</th>
                <td>
                  {agreedCount} of {count} <small>chosen at random</small>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
