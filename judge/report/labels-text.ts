import type { TaskSpec } from '../../recipes/recipe.ts';

/** What a verdict may be, in words. */
export function labelsText({ labels, range }: Pick<TaskSpec, 'labels' | 'range'>): string {
  return range === undefined ? `labels ${labels.join(', ')}` : `numbers from ${labels[0]} to ${labels[1]}`;
}
