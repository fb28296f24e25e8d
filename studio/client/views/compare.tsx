/** Two judges row by row, disagreements first. */
import type { Comparison } from '../../api.ts';
import { pathOf } from '../../query.ts';
import { change, linkTo } from '../address.ts';
import type { ViewProps } from '../app.tsx';
import { useSteps } from '../hotkeys.ts';
import { Select } from '../widgets/choices.tsx';
import { More } from '../widgets/more.tsx';
import { Failed, Nothing } from '../widgets/notice.tsx';
import { usePages } from '../widgets/pages.ts';
import { Pictures } from '../widgets/picture.tsx';
import { Said } from '../widgets/verdict.tsx';

export function Compare({ experiment, address }: ViewProps) {
  const { experimentId, runs } = experiment;
  const evaluated = runs.filter(({ scores }) => scores.length > 0);
  const a = address.values['a'] ?? evaluated[0]?.runName;
  const b = address.values['b'] ?? evaluated.at(-1)?.runName;
  const tasks = evaluated.find(({ runName }) => runName === a)?.scores.map(({ task }) => task) ?? [];
  const task = address.values['task'] ?? tasks[0];
  const path = pathOf(experimentId, 'comparison', { task, a, b });
  const pages = usePages<Comparison>(evaluated.length < 2 ? undefined : path);
  useSteps('.compared a.open');
  if (evaluated.length < 2) return <Nothing>A comparison needs two runs that are evaluated.</Nothing>;
  const names = evaluated.map(({ runName }) => [runName, runName] as const);
  const set = (values: Readonly<Record<string, string>>) => change(address, values);
  const { counts, disagreementCount } = pages.last ?? {};
  return (
    <>
      <h1>Compare</h1>
      <div class="filters panel">
        <Select name="Judge A" value={a} values={names} choose={(value) => set({ a: value })} />
        <Select name="Judge B" value={b} values={names} choose={(value) => set({ b: value })} />
        <Select
          name="Task"
          value={task}
          values={tasks.map((each) => [each, each])}
          choose={(value) => set({ task: value })}
        />
      </div>
      {pages.failure === undefined ? null : <Failed failure={pages.failure} />}
      {counts === undefined ? null : (
        <ul class="figures">
          <li>
            <b>{disagreementCount}</b>
            <span>disagreements</span>
          </li>
          <li>
            <b>{counts.onlyA}</b>
            <span>only A correct</span>
          </li>
          <li>
            <b>{counts.onlyB}</b>
            <span>only B correct</span>
          </li>
          <li>
            <b>{counts.both}</b>
            <span>both correct</span>
          </li>
          <li>
            <b>{counts.neither}</b>
            <span>neither</span>
          </li>
        </ul>
      )}
      <div class="rollouts compared">
        {pages.rows.map((row) => (
          <article class="rollout" key={row.exampleId}>
            <Pictures experimentId={experimentId} digests={row.images} />
            <a class="open" href={linkTo(experimentId, 'example', { example: row.exampleIndex })}>
              <small>
                label {row.label}, {row.exampleId}
              </small>
              {(['a', 'b'] as const).map((side) => (
                <span key={side} class="side">
                  <span class="row-head">
                    <small>{side === 'a' ? a : b}</small>
                    <Said verdict={row[side].verdict} isRight={row[side].isRight} />
                  </span>
                  <span class="text">{row[side].text}</span>
                </span>
              ))}
            </a>
          </article>
        ))}
      </div>
      <More more={pages.more} isWaiting={pages.isWaiting} />
    </>
  );
}
