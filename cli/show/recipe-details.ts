/** Summary of a recipe that the Temporal Web UI shows beside its experiment. */
import { isRl, isTrained } from '../../recipes/arms.ts';
import type { Recipe, TrainedArm } from '../../recipes/recipe.ts';

/** Temporal accepts 20,000 bytes of details, which a recipe of hundreds of tasks must not exceed. */
const itemCountMax = 60;

/** Markdown. `digest` is that of the complete recipe. */
export function recipeDetails({ tasks, arms, seeds }: Recipe, digest: string): string {
  const taskItems = Object.entries(tasks).map(([task, { kind, ood }]) => `**${task}** ${kind}${ood ? ', OOD' : ''}`);
  const armItems = Object.entries(arms).map(([arm, spec]) => {
    const steps = isTrained(spec) ? `${howOf(spec)}, ${String(spec.stepCount)} steps` : 'not trained';
    return `**${arm}** ${spec.mode}, ${steps}${spec.from === undefined ? '' : `, from ${spec.from}`}`;
  });
  const head = [`recipe \`${digest.slice(0, 12)}\``, `${seeds.length === 1 ? 'seed' : 'seeds'} ${seeds.join(', ')}`];
  return [head.join(' · '), '', 'Arms', ...list(armItems), '', 'Tasks', ...list(taskItems)].join('\n');
}

/** The objective, or the algorithm of an rl arm. */
function howOf(arm: TrainedArm): string {
  return isRl(arm) ? arm.algorithm : arm.objective;
}

function list(items: readonly string[]): string[] {
  const more = items.length - itemCountMax;
  const shown = [...items.slice(0, itemCountMax), ...(more > 0 ? [`and ${String(more)} more`] : [])];
  return ['', ...shown.map((item) => `- ${item}`)];
}
