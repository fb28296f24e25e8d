/** A verdict, or why there is none, in the colours of right and wrong. */
import type { Judgment } from '../../../judge/example.ts';

export function Verdict({ judgment, isRight }: { readonly judgment: Judgment; readonly isRight: boolean }) {
  return judgment.ok ? (
    <Said verdict={judgment.verdict} isRight={isRight} />
  ) : (
    <Said verdict={null} reason={judgment.reason} isRight={false} />
  );
}

interface SaidProps {
  readonly verdict: string | null;
  readonly reason?: string | null;
  readonly isRight: boolean;
}

export function Said({ verdict, reason, isRight }: SaidProps) {
  if (verdict === null) return <span class="chip unparsable">{reason ?? 'unparsable'}</span>;
  return <span class={isRight ? 'chip' : 'chip wrong'}>{verdict}</span>;
}
