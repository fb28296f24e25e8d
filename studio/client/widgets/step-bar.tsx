/** A bar for each step of a run, as high as its mean reward; what a filter leaves of the step is filled. */
import { significant } from '../../../judge/report/format.ts';
import { useHotkeys } from '../hotkeys.ts';

export interface StepBarItem {
  readonly step: number;
  /** In [0, 1]. */
  readonly reward?: number | undefined;
  /** Share of the step's rollouts that the filter leaves. */
  readonly share?: number | undefined;
}

interface StepBarProps {
  readonly items: readonly StepBarItem[];
  readonly step: number | undefined;
  /** undefined for all steps. */
  readonly choose: (step: number | undefined) => void;
}

/** More steps than that share bars. */
const barCountMax = 160;

export function StepBar({ items, step, choose }: StepBarProps) {
  const at = items.findIndex((item) => item.step === step);
  const move = (by: number) => () => {
    const next = items[at < 0 ? (by > 0 ? 0 : items.length - 1) : at + by];
    if (next !== undefined) choose(next.step);
  };
  useHotkeys([
    { key: 'ArrowLeft', meaning: 'step before', press: move(-1) },
    { key: 'ArrowRight', meaning: 'next step', press: move(1) },
    { key: 'a', meaning: 'all steps', press: () => choose(undefined) },
  ]);
  const width = Math.ceil(items.length / barCountMax);
  const bars = Array.from({ length: Math.ceil(items.length / width) }, (_, i) =>
    items.slice(i * width, (i + 1) * width),
  );
  return (
    <div class="step-bar">
      <div class="bars" role="group" aria-label="Steps">
        {bars.map((bar) => {
          const [first] = bar;
          if (first === undefined) return null;
          const isChosen = bar.some((item) => item.step === step);
          const [reward, share] = [meanOf(bar, 'reward'), meanOf(bar, 'share')];
          return (
            <button
              key={first.step}
              type="button"
              aria-pressed={isChosen}
              aria-label={labelOf(first.step, reward, share)}
              title={labelOf(first.step, reward, share)}
              onClick={() => choose(isChosen ? undefined : first.step)}
            >
              <svg viewBox="0 0 10 40" preserveAspectRatio="none" aria-hidden="true">
                <rect class="reward" x="0" width="10" y={40 - 38 * (reward ?? 0) - 2} height={38 * (reward ?? 0) + 2} />
                {share === undefined ? null : (
                  <rect class="share" x="0" width="10" y={40 - 40 * share} height={40 * share} />
                )}
              </svg>
            </button>
          );
        })}
      </div>
      <p class="steps-axis">
        <span>step {items[0]?.step ?? 0}</span>
        <b>{step === undefined ? 'all steps' : `step ${String(step)}`}</b>
        <span>{items.at(-1)?.step ?? 0}</span>
      </p>
    </div>
  );
}

function meanOf(items: readonly StepBarItem[], name: 'reward' | 'share'): number | undefined {
  const values = items.flatMap((item) => item[name] ?? []);
  return values.length === 0 ? undefined : values.reduce((a, b) => a + b, 0) / values.length;
}

function labelOf(step: number, reward: number | undefined, share: number | undefined): string {
  const parts = [`step ${String(step)}`];
  if (reward !== undefined) parts.push(`mean reward ${significant(reward)}`);
  if (share !== undefined) parts.push(`${String(Math.round(share * 100))} % match`);
  return parts.join(', ');
}
