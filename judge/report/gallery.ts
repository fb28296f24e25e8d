/** Sample answers by outcome: images, prompt, rationale, verdict and reward. */
import type { ReportData, ReportRollout } from './data.ts';
import { significant } from './format.ts';
import { type Html, html } from './html.ts';

type Outcome = 'right' | 'wrong' | 'unparsable';

const outcomes: readonly { readonly outcome: Outcome; readonly title: string; readonly none: string }[] = [
  { outcome: 'right', title: 'Correct', none: 'The sample has no correct answers.' },
  { outcome: 'wrong', title: 'Wrong', none: 'The sample has no wrong answers.' },
  { outcome: 'unparsable', title: 'Unparsable', none: 'The sample has no unparsable answers.' },
];

function outcomeOf({ unparsable, verdict, label }: Pick<ReportRollout, 'unparsable' | 'verdict' | 'label'>): Outcome {
  if (unparsable !== undefined || verdict === undefined) return 'unparsable';
  return verdict === label ? 'right' : 'wrong';
}

/** The tabs are radio buttons and CSS, so that the file needs no script. */
export function gallery({ rollouts }: ReportData): Html {
  if (rollouts.length === 0) return html`<p class="muted">No answers were sampled for the report.</p>`;
  const groups = outcomes.map((each) => ({
    ...each,
    items: rollouts.filter((rollout) => outcomeOf(rollout) === each.outcome),
  }));
  const open = groups.find(({ items }) => items.length > 0)?.outcome;
  return html`<div class="tabs">
    ${groups.map(
      ({ outcome, title, items }) =>
        html`<input
            type="radio"
            name="outcome"
            id="show-${outcome}"
            ${outcome === open ? html` checked` : undefined}
          /><label for="show-${outcome}" class="${outcome}">${title} <small>${items.length}</small></label>`,
    )}${groups.map(
      ({ outcome, items, none }) =>
        html`<div class="cards show-${outcome}">
          ${items.length === 0 ? html`<p class="muted">${none}</p>` : items.map(card)}
        </div>`,
    )}
  </div>`;
}

function card(rollout: ReportRollout): Html {
  const outcome = outcomeOf(rollout);
  const { reward } = rollout;
  return html`<article class="card ${outcome}">
    <div class="images${rollout.images.length > 1 ? ' several' : ''}">
      ${rollout.images.map((uri, i) => html`<img src="${uri}" alt="image ${i + 1} of example ${rollout.exampleId}" />`)}
    </div>
    <div class="said">
      <header>
        <b>${rollout.task}</b
        ><small
          >${rollout.runName}${rollout.step === undefined ? ', evaluation' : `, step ${String(rollout.step)}`}</small
        >
      </header>
      <p class="prompt">${rollout.prompt}</p>
      ${rollout.rationale === undefined || rollout.rationale === '' ? undefined : html`<p class="rationale">${rollout.rationale}</p>`}
      ${outcome === 'unparsable' ? html`<p class="raw">${rollout.completion === '' ? '(empty)' : rollout.completion}</p>` : undefined}
      <p class="verdict">
        <span class="chip ${outcome}">${rollout.verdict ?? rollout.unparsable ?? 'no verdict'}</span>
        <small>label <b>${rollout.label}</b></small>
      </p>
      <p class="reward">
        <small>reward <b>${significant(reward.value)}</b> = accuracy ${reward.accuracy}, format ${reward.format}</small>
      </p>
    </div>
  </article>`;
}
