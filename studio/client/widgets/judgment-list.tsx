/** Answers of an evaluation, one a row; each leads to the history of its example. */
import type { JudgmentPage } from '../../api.ts';
import { points } from '../../../judge/report/format.ts';
import { linkTo } from '../address.ts';
import { AnswerCard } from './answer-card.tsx';
import { More } from './more.tsx';
import { Failed, Nothing } from './notice.tsx';
import type { Pages } from './pages.ts';
import { Verdict } from './verdict.tsx';

interface JudgmentListProps {
  readonly experimentId: string;
  readonly pages: Pages<JudgmentPage>;
}

export function JudgmentList({ experimentId, pages }: JudgmentListProps) {
  const { rows, failure, isWaiting, more } = pages;
  return (
    <>
      {failure === undefined ? null : <Failed failure={failure} />}
      {rows.length === 0 && !isWaiting && failure === undefined ? (
        <Nothing>No answer matches the filter.</Nothing>
      ) : null}
      <div class="rollouts">
        {rows.map((row) => (
          <AnswerCard
            key={row.exampleId}
            experimentId={experimentId}
            images={row.images}
            href={linkTo(experimentId, 'example', { example: row.exampleIndex })}
            text={row.text}
          >
            <Verdict judgment={row.judgment} isRight={row.isRight} />
            <small>
              label {row.label}, {row.exampleId}
              {row.agrees === false ? <em class="warn"> other choice in another order</em> : null}
              {row.probabilities === undefined
                ? null
                : `, p ${row.probabilities.map((each) => points(each)).join(' / ')}`}
            </small>
          </AnswerCard>
        ))}
      </div>
      <More more={more} isWaiting={isWaiting} />
    </>
  );
}
