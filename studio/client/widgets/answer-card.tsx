/** An answer with its pictures; all of it is a link. */
import type { ComponentChildren } from 'preact';
import { Pictures } from './picture.tsx';

interface AnswerCardProps {
  readonly experimentId: string;
  readonly images: readonly string[];
  readonly href: string;
  readonly text: string;
  /** Its line of head: the verdict, and what is said of it. */
  readonly children: ComponentChildren;
}

export function AnswerCard({ experimentId, images, href, text, children }: AnswerCardProps) {
  return (
    <article class="rollout">
      <Pictures experimentId={experimentId} digests={images} />
      <a class="open" href={href}>
        <span class="row-head">{children}</span>
        <span class="text">{text}</span>
      </a>
    </article>
  );
}
