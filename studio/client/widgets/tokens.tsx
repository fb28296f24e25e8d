/** A completion token by token, coloured by what is chosen: its advantage, its log-prob, or whether it is in the loss. */
import { Fragment } from 'preact';
import { significant } from '../../../judge/report/format.ts';
import type { RolloutView } from '../../api.ts';

export type Colouring = 'none' | 'advantage' | 'log-prob' | 'loss';

interface TokensProps {
  readonly rollout: RolloutView;
  readonly colouring: Colouring;
  /** Largest absolute advantage of the group, to which colours are scaled. */
  readonly advantageMax: number;
}

export function Tokens({ rollout, colouring, advantageMax }: TokensProps) {
  return (
    <p class="tokens">
      {rollout.tokens.map(({ text, logProb }, i) => {
        const word = text.trimStart();
        return (
          <Fragment key={i}>
            {text.slice(0, text.length - word.length)}
            <span class={`token ${shadeOf(rollout, logProb, colouring, advantageMax)}`} title={titleOf(rollout, i)}>
              {text === '' ? <i class="end">end</i> : word}
            </span>
          </Fragment>
        );
      })}
    </p>
  );
}

/** Classes of the style sheet, in four strengths: a style of its own would need a looser policy. */
function shadeOf({ advantage, isTrained }: RolloutView, logProb: number, colouring: Colouring, max: number): string {
  switch (colouring) {
    case 'none':
      return '';
    case 'advantage': {
      if (advantage === undefined || advantage === 0 || max === 0) return 'shade-0';
      return `${advantage > 0 ? 'plus' : 'minus'}-${String(Math.ceil((Math.abs(advantage) / max) * 4))}`;
    }
    case 'log-prob':
      return `odd-${String(Math.min(4, Math.floor(-logProb / 0.7)))}`;
    case 'loss':
      return isTrained === undefined ? 'shade-0' : isTrained ? 'plus-2' : 'left-out';
  }
}

function titleOf({ tokens, advantage }: RolloutView, i: number): string {
  const logProb = tokens[i]?.logProb ?? 0;
  const worth = advantage === undefined ? '' : `, advantage ${significant(advantage)}`;
  return `token ${String(i)}: probability ${significant(Math.exp(logProb))} (log ${significant(logProb)})${worth}`;
}
