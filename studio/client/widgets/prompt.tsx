/** A prompt as the judge read it: its texts, and its pictures where they stand. */
import type { ExampleView } from '../../api.ts';
import { Pictures } from './picture.tsx';

interface PromptProps {
  readonly experimentId: string;
  /** Without its label while people are to give one. */
  readonly example: Omit<ExampleView, 'label'> & { readonly label?: string };
}

export function Prompt({ experimentId, example }: PromptProps) {
  const { prompt, label, task, exampleId, votes } = example;
  const digests = prompt.flatMap((part) => ('image' in part ? [part.image] : []));
  let image = 0;
  return (
    <section class="panel prompt" aria-label="Prompt">
      <Pictures experimentId={experimentId} digests={digests} isLarge />
      <div>
        <p class="asked">
          {prompt.map((part) =>
            'text' in part ? (
              part.text
            ) : (
              <em class="mark">{digests.length > 1 ? `picture ${String(++image)}` : 'picture'}</em>
            ),
          )}
        </p>
        <p class="facts-line">
          {label === undefined ? null : (
            <span>
              label <b>{label}</b>
            </span>
          )}
          <span>{task}</span>
          <code>{exampleId}</code>
          {votes === undefined ? null : (
            <span>votes {votes.map(([vote, count]) => `${vote ?? 'none'} ×${String(count)}`).join(', ')}</span>
          )}
        </p>
      </div>
    </section>
  );
}
